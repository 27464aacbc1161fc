#include "known_variables.h"

#include <stdlib.h>
#include <string.h>

struct known {
    const char *name;
    bool secret;
};

/* Sorted for bsearch. clang-format off: as many as fit in a line. */
/* clang-format off */
static const struct known table[] = {
    {"ACTUAL_API_KEY", true}, {"ACTUAL_BASE_URL", false}, {"AGENT_BROWSER_ENGINE", false}, {"AIRTABLE_API_KEY", true},
    {"AI_GATEWAY_API_KEY", true}, {"AI_GATEWAY_BASE_URL", false}, {"ALIBABA_CODING_PLAN_API_KEY", true},
    {"ALIBABA_CODING_PLAN_BASE_URL", false}, {"ALIBABA_CODING_PLAN_CN_API_KEY", true},
    {"ALIBABA_TOKEN_PLAN_API_KEY", true}, {"ALIBABA_TOKEN_PLAN_BASE_URL", false},
    {"ALIBABA_TOKEN_PLAN_CN_API_KEY", true}, {"ALIBABA_TOKEN_PLAN_CN_BASE_URL", false}, {"ANTHROPIC_API_KEY", true},
    {"ANTHROPIC_TOKEN", true}, {"API_SERVER_ENABLED", false}, {"API_SERVER_HOST", false}, {"API_SERVER_KEY", true},
    {"API_SERVER_MODEL_NAME", false}, {"API_SERVER_PORT", false}, {"ARCEEAI_API_KEY", true}, {"ARCEE_BASE_URL", false},
    {"AWS_PROFILE", false}, {"AWS_REGION", false}, {"AZURE_ANTHROPIC_KEY", true}, {"AZURE_FOUNDRY_API_KEY", true},
    {"AZURE_FOUNDRY_BASE_URL", false}, {"BLUEBUBBLES_ALLOWED_USERS", false}, {"BLUEBUBBLES_ALLOW_ALL_USERS", false},
    {"BLUEBUBBLES_HOME_CHANNEL", false}, {"BLUEBUBBLES_HOME_CHANNEL_NAME", false}, {"BLUEBUBBLES_PASSWORD", true},
    {"BLUEBUBBLES_SERVER_URL", false}, {"BRAVE_SEARCH_API_KEY", true}, {"BROWSERBASE_API_KEY", true},
    {"BROWSERBASE_PROJECT_ID", false}, {"BROWSER_USE_API_KEY", true}, {"BRV_API_KEY", true}, {"CAMOFOX_API_KEY", true},
    {"CAMOFOX_URL", false}, {"CLAUDE_CODE_OAUTH_TOKEN", true}, {"COMMANDCODE_ANTHROPIC_BASE_URL", false},
    {"COMMANDCODE_API_KEY", true}, {"COMMANDCODE_BASE_URL", false}, {"CUSTOM_BASE_URL", false},
    {"DASHSCOPE_API_KEY", true}, {"DASHSCOPE_BASE_URL", false}, {"DASHSCOPE_CN_BASE_URL", false},
    {"DEEPINFRA_API_KEY", true}, {"DEEPINFRA_BASE_URL", false}, {"DEEPSEEK_API_KEY", true},
    {"DEEPSEEK_BASE_URL", false}, {"DINGTALK_ALLOWED_USERS", false}, {"DINGTALK_CLIENT_ID", false},
    {"DINGTALK_CLIENT_SECRET", true}, {"DINGTALK_HOME_CHANNEL", false}, {"DINGTALK_HOME_CHANNEL_NAME", false},
    {"DINGTALK_WEBHOOK_URL", false}, {"DISCORD_ALLOWED_USERS", false}, {"DISCORD_ALLOW_ALL_USERS", false},
    {"DISCORD_BOT_TOKEN", true}, {"DISCORD_HOME_CHANNEL", false}, {"DISCORD_HOME_CHANNEL_NAME", false},
    {"DISCORD_REPLY_TO_MODE", false}, {"ELEVENLABS_API_KEY", true}, {"EMAIL_ADDRESS", false},
    {"EMAIL_ALLOWED_USERS", false}, {"EMAIL_HOME_ADDRESS", false}, {"EMAIL_IMAP_HOST", false}, {"EMAIL_PASSWORD", true},
    {"EMAIL_SMTP_HOST", false}, {"EMAIL_SMTP_PORT", false}, {"EXA_API_KEY", true}, {"FAL_KEY", true},
    {"FEISHU_ALLOWED_USERS", false}, {"FEISHU_ALLOW_ALL_USERS", false}, {"FEISHU_APP_ID", false},
    {"FEISHU_APP_SECRET", true}, {"FEISHU_DOMAIN", false}, {"FEISHU_ENCRYPT_KEY", false},
    {"FEISHU_HOME_CHANNEL", false}, {"FEISHU_HOME_CHANNEL_NAME", false}, {"FEISHU_VERIFICATION_TOKEN", false},
    {"FIRECRAWL_API_KEY", true}, {"FIRECRAWL_API_URL", false}, {"FIRECRAWL_BROWSER_TTL", false},
    {"FIRECRAWL_GATEWAY_URL", false}, {"FIREWORKS_API_KEY", true}, {"GATEWAY_ALLOW_ALL_USERS", false},
    {"GATEWAY_PROXY_KEY", true}, {"GATEWAY_PROXY_URL", false}, {"GEMINI_API_KEY", true}, {"GEMINI_BASE_URL", false},
    {"GITHUB_TOKEN", true}, {"GLM_API_KEY", true}, {"GLM_BASE_URL", false}, {"GMI_API_KEY", true},
    {"GMI_BASE_URL", false}, {"GOOGLE_API_KEY", true}, {"GOOGLE_CHAT_ALLOWED_USERS", false},
    {"GOOGLE_CHAT_HOME_CHANNEL", false}, {"GOOGLE_CHAT_HTTP_EVENTS_AUDIENCE", false},
    {"GOOGLE_CHAT_HTTP_EVENTS_SERVICE_ACCOUNT_EMAIL", false}, {"GOOGLE_CHAT_HTTP_EVENTS_URL", false},
    {"GOOGLE_CHAT_PROJECT_ID", false}, {"GOOGLE_CHAT_SERVICE_ACCOUNT_JSON", true},
    {"GOOGLE_CHAT_SUBSCRIPTION_NAME", false}, {"HASS_TOKEN", true}, {"HASS_URL", false},
    {"HERMES_EPHEMERAL_SYSTEM_PROMPT", false}, {"HERMES_HOME", false}, {"HERMES_INFERENCE_PROVIDER", false},
    {"HERMES_LANGFUSE_BASE_URL", false}, {"HERMES_LANGFUSE_DEBUG", false}, {"HERMES_LANGFUSE_ENV", false},
    {"HERMES_LANGFUSE_MAX_CHARS", false}, {"HERMES_LANGFUSE_PUBLIC_KEY", false}, {"HERMES_LANGFUSE_RELEASE", false},
    {"HERMES_LANGFUSE_SAMPLE_RATE", false}, {"HERMES_LANGFUSE_SECRET_KEY", true},
    {"HERMES_PREFILL_MESSAGES_FILE", false}, {"HERMES_QWEN_BASE_URL", false},
    {"HERMES_SIMPLEX_TEXT_BATCH_DELAY", false}, {"HERMES_TOOL_PROGRESS", false}, {"HERMES_TOOL_PROGRESS_MODE", false},
    {"HF_BASE_URL", false}, {"HF_TOKEN", true}, {"HINDSIGHT_API_KEY", true}, {"HINDSIGHT_API_URL", false},
    {"HONCHO_API_KEY", true}, {"HONCHO_BASE_URL", false}, {"IRC_ALLOWED_USERS", false}, {"IRC_ALLOW_ALL_USERS", false},
    {"IRC_CHANNEL", false}, {"IRC_HOME_CHANNEL", false}, {"IRC_NICKNAME", false}, {"IRC_NICKSERV_PASSWORD", true},
    {"IRC_PORT", false}, {"IRC_SERVER", false}, {"IRC_SERVER_PASSWORD", true}, {"IRC_USE_TLS", false},
    {"KILOCODE_API_KEY", true}, {"KIMI_API_KEY", true}, {"KIMI_BASE_URL", false}, {"KIMI_CN_API_KEY", true},
    {"KIMI_CODING_API_KEY", true}, {"KREA_API_KEY", true}, {"LANGFUSE_BASE_URL", false}, {"LANGFUSE_PUBLIC_KEY", false},
    {"LANGFUSE_SECRET_KEY", false}, {"LINEAR_API_KEY", true}, {"LINE_ALLOWED_GROUPS", false},
    {"LINE_ALLOWED_ROOMS", false}, {"LINE_ALLOWED_USERS", false}, {"LINE_ALLOW_ALL_USERS", false},
    {"LINE_CHANNEL_ACCESS_TOKEN", true}, {"LINE_CHANNEL_SECRET", true}, {"LINE_HOME_CHANNEL", false},
    {"LINE_HOST", false}, {"LINE_PORT", false}, {"LINE_PUBLIC_URL", false}, {"LINE_SLOW_RESPONSE_THRESHOLD", false},
    {"LM_API_KEY", true}, {"LM_BASE_URL", false}, {"MATRIX_ACCESS_TOKEN", true}, {"MATRIX_ALLOWED_USERS", false},
    {"MATRIX_ALLOW_ALL_USERS", false}, {"MATRIX_AUTO_THREAD", false}, {"MATRIX_DEVICE_ID", false},
    {"MATRIX_DM_AUTO_THREAD", false}, {"MATRIX_ENCRYPTION", false}, {"MATRIX_FREE_RESPONSE_ROOMS", false},
    {"MATRIX_HOMESERVER", false}, {"MATRIX_HOME_CHANNEL", false}, {"MATRIX_HOME_CHANNEL_NAME", false},
    {"MATRIX_HOME_ROOM", false}, {"MATRIX_PASSWORD", true}, {"MATRIX_RECOVERY_KEY", true},
    {"MATRIX_REQUIRE_MENTION", false}, {"MATRIX_USER_ID", false}, {"MATTERMOST_ALLOWED_CHANNELS", false},
    {"MATTERMOST_ALLOWED_USERS", false}, {"MATTERMOST_ALLOW_ALL_USERS", false},
    {"MATTERMOST_FREE_RESPONSE_CHANNELS", false}, {"MATTERMOST_HOME_CHANNEL", false},
    {"MATTERMOST_HOME_CHANNEL_NAME", false}, {"MATTERMOST_REPLY_MODE", false}, {"MATTERMOST_REQUIRE_MENTION", false},
    {"MATTERMOST_TOKEN", true}, {"MATTERMOST_URL", false}, {"MEM0_API_KEY", true}, {"META_API_KEY", true},
    {"META_BASE_URL", false}, {"META_MODEL_API_KEY", true}, {"MINIMAX_API_KEY", true}, {"MINIMAX_BASE_URL", false},
    {"MINIMAX_CN_API_KEY", true}, {"MINIMAX_CN_BASE_URL", false}, {"MISTRAL_API_KEY", true}, {"MODEL_API_KEY", true},
    {"NEBIUS_API_KEY", true}, {"NEBIUS_BASE_URL", false}, {"NEBIUS_TOKEN_FACTORY_API_KEY", true},
    {"NOTION_API_KEY", true}, {"NOUS_BASE_URL", false}, {"NOVITA_API_KEY", true}, {"NOVITA_BASE_URL", false},
    {"NTFY_ALLOWED_USERS", false}, {"NTFY_ALLOW_ALL_USERS", false}, {"NTFY_HOME_CHANNEL", false},
    {"NTFY_HOME_CHANNEL_NAME", false}, {"NTFY_MARKDOWN", false}, {"NTFY_PUBLISH_TOPIC", false},
    {"NTFY_SERVER_URL", false}, {"NTFY_TOKEN", true}, {"NTFY_TOPIC", false}, {"NVIDIA_API_KEY", true},
    {"NVIDIA_BASE_URL", false}, {"OLLAMA_API_KEY", true}, {"OLLAMA_BASE_URL", false}, {"OPENAI_API_KEY", false},
    {"OPENAI_BASE_URL", false}, {"OPENCODE_GO_API_KEY", true}, {"OPENCODE_GO_BASE_URL", false},
    {"OPENCODE_ZEN_API_KEY", true}, {"OPENCODE_ZEN_BASE_URL", false}, {"OPENROUTER_API_KEY", true},
    {"OPENROUTER_BASE_URL", false}, {"OPENVIKING_API_KEY", true}, {"OPENVIKING_ENDPOINT", false},
    {"PARALLEL_API_KEY", true}, {"PHOTON_ALLOWED_USERS", false}, {"PHOTON_ALLOW_ALL_USERS", false},
    {"PHOTON_DASHBOARD_HOST", false}, {"PHOTON_HOME_CHANNEL", false}, {"PHOTON_HOME_CHANNEL_NAME", false},
    {"PHOTON_MARKDOWN", false}, {"PHOTON_MENTION_PATTERNS", false}, {"PHOTON_NODE_BIN", false},
    {"PHOTON_PROJECT_ID", false}, {"PHOTON_PROJECT_SECRET", true}, {"PHOTON_REACTIONS", false},
    {"PHOTON_REQUIRE_MENTION", false}, {"PHOTON_SIDECAR_AUTOSTART", false}, {"PHOTON_SIDECAR_PORT", false},
    {"PHOTON_SPECTRUM_HOST", false}, {"PHOTON_TELEMETRY", false}, {"QQBOT_HOME_CHANNEL", false},
    {"QQBOT_HOME_CHANNEL_NAME", false}, {"QQ_ALLOWED_USERS", false}, {"QQ_ALLOW_ALL_USERS", false},
    {"QQ_APP_ID", false}, {"QQ_CLIENT_SECRET", true}, {"QQ_GROUP_ALLOWED_USERS", false}, {"QQ_HOME_CHANNEL", false},
    {"QQ_HOME_CHANNEL_NAME", false}, {"QQ_MARKDOWN_SUPPORT", false}, {"QQ_SANDBOX", false}, {"QQ_STT_API_KEY", false},
    {"QQ_STT_BASE_URL", false}, {"QQ_STT_MODEL", false}, {"RAFT_PROFILE", false}, {"RAMP_ROUTER_API_KEY", true},
    {"RAMP_ROUTER_BASE_URL", false}, {"RETAINDB_API_KEY", true}, {"RETAINDB_BASE_URL", false}, {"ROUTER_API_KEY", true},
    {"SEARXNG_URL", false}, {"SIGNAL_ACCOUNT", false}, {"SIGNAL_ALLOWED_USERS", false},
    {"SIGNAL_GROUP_ALLOWED_USERS", false}, {"SIGNAL_HOME_CHANNEL", false}, {"SIGNAL_HOME_CHANNEL_NAME", false},
    {"SIGNAL_HTTP_URL", false}, {"SIMPLEX_ALLOWED_USERS", false}, {"SIMPLEX_ALLOW_ALL_USERS", false},
    {"SIMPLEX_AUTO_ACCEPT", false}, {"SIMPLEX_GROUP_ALLOWED", false}, {"SIMPLEX_HOME_CHANNEL", false},
    {"SIMPLEX_HOME_CHANNEL_NAME", false}, {"SIMPLEX_WS_URL", false}, {"SLACK_ALLOWED_USERS", false},
    {"SLACK_ALLOW_ALL_USERS", false}, {"SLACK_APP_TOKEN", true}, {"SLACK_BOT_TOKEN", true},
    {"SLACK_HOME_CHANNEL", false}, {"SLACK_HOME_CHANNEL_NAME", false}, {"SMS_ALLOWED_USERS", false},
    {"SMS_HOME_CHANNEL", false}, {"SMS_HOME_CHANNEL_NAME", false}, {"STEPFUN_API_KEY", true},
    {"STEPFUN_BASE_URL", false}, {"SUDO_PASSWORD", true}, {"SUPERMEMORY_API_KEY", true}, {"TAVILY_API_KEY", true},
    {"TEAMS_ALLOWED_USERS", false}, {"TEAMS_ALLOW_ALL_USERS", false}, {"TEAMS_CLIENT_ID", false},
    {"TEAMS_CLIENT_SECRET", true}, {"TEAMS_HOME_CHANNEL", false}, {"TEAMS_HOME_CHANNEL_NAME", false},
    {"TEAMS_PORT", false}, {"TEAMS_TENANT_ID", false}, {"TELEGRAM_ALLOWED_USERS", false},
    {"TELEGRAM_ALLOW_ALL_USERS", false}, {"TELEGRAM_BOT_TOKEN", true}, {"TELEGRAM_HOME_CHANNEL", false},
    {"TELEGRAM_HOME_CHANNEL_NAME", false}, {"TELEGRAM_PROXY", false}, {"TENOR_API_KEY", true}, {"TERMINAL_ENV", false},
    {"TERMINAL_SSH_KEY", false}, {"TERMINAL_SSH_PORT", false}, {"TOKENPLAN_API_KEY", true},
    {"TOKENPLAN_BASE_URL", false}, {"TOOL_GATEWAY_DOMAIN", false}, {"TOOL_GATEWAY_SCHEME", false},
    {"TOOL_GATEWAY_USER_TOKEN", true}, {"TWILIO_ACCOUNT_SID", false}, {"TWILIO_AUTH_TOKEN", true},
    {"TWILIO_PHONE_NUMBER", false}, {"UPSTAGE_API_KEY", true}, {"UPSTAGE_BASE_URL", false},
    {"VERTEX_CREDENTIALS_PATH", false}, {"VOICE_TOOLS_OPENAI_KEY", true}, {"WEBHOOK_ENABLED", false},
    {"WEBHOOK_PORT", false}, {"WEBHOOK_SECRET", true}, {"WECOM_ALLOWED_USERS", false}, {"WECOM_BOT_ID", false},
    {"WECOM_CALLBACK_AGENT_ID", false}, {"WECOM_CALLBACK_CORP_ID", false}, {"WECOM_CALLBACK_CORP_SECRET", true},
    {"WECOM_CALLBACK_ENCODING_AES_KEY", true}, {"WECOM_CALLBACK_HOST", false}, {"WECOM_CALLBACK_PORT", false},
    {"WECOM_CALLBACK_TOKEN", true}, {"WECOM_HOME_CHANNEL", false}, {"WECOM_HOME_CHANNEL_NAME", false},
    {"WECOM_SECRET", true}, {"WECOM_WEBSOCKET_URL", false}, {"WEIXIN_ACCOUNT_ID", false},
    {"WEIXIN_ALLOWED_USERS", false}, {"WEIXIN_ALLOW_ALL_USERS", false}, {"WEIXIN_BASE_URL", false},
    {"WEIXIN_CDN_BASE_URL", false}, {"WEIXIN_DM_POLICY", false}, {"WEIXIN_GROUP_ALLOWED_USERS", false},
    {"WEIXIN_GROUP_POLICY", false}, {"WEIXIN_HOME_CHANNEL", false}, {"WEIXIN_HOME_CHANNEL_NAME", false},
    {"WEIXIN_TOKEN", false}, {"WHATSAPP_ALLOWED_USERS", false}, {"WHATSAPP_ALLOW_ALL_USERS", false},
    {"WHATSAPP_ENABLED", false}, {"WHATSAPP_HOME_CHANNEL", false}, {"WHATSAPP_HOME_CHANNEL_NAME", false},
    {"WHATSAPP_MODE", false}, {"XAI_API_KEY", true}, {"XAI_BASE_URL", false}, {"XIAOMI_API_KEY", true},
    {"XIAOMI_BASE_URL", false}, {"YUANBAO_HOME_CHANNEL", false}, {"YUANBAO_HOME_CHANNEL_NAME", false},
    {"ZAI_API_KEY", true}, {"Z_AI_API_KEY", true},
};
/* clang-format on */

struct span {
    const char *text;
    size_t len;
};

static int compare(const void *key, const void *element)
{
    const struct span *span = key;
    const char *name = ((const struct known *)element)->name;
    int order = strncmp(span->text, name, span->len);
    return order != 0 ? order : -(name[span->len] != '\0');
}

static const struct known *find(const char *name, size_t len)
{
    struct span span = {name, len};
    if (len == 0 || *name < 'A' || *name > 'Z')
        return NULL;
    return bsearch(&span, table, sizeof table / sizeof *table, sizeof *table, compare);
}

bool known_variables_has(const char *name, size_t len)
{
    return find(name, len) != NULL;
}

bool known_variables_secret(const char *name, size_t len)
{
    const struct known *known = find(name, len);
    return known != NULL && known->secret;
}

const char *known_variables_name(size_t index)
{
    return index < sizeof table / sizeof table[0] ? table[index].name : NULL;
}

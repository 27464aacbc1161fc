#include "provider_table.h"

#include <ctype.h>
#include <string.h>

#include "lower_case.h"

/* id, name, auth, base URL, its variable, key variables in order, aliases, header, what a probe asks. clang-format off:
 * one row a provider reads better than one field a line. */
/* clang-format off */
const struct provider_row provider_table[] = {
    {"nous", "Nous Portal", PROVIDER_OAUTH,
     "https://inference-api.nousresearch.com/v1", NULL,
     {NULL}, {"nous-portal", "nousresearch"}, "bearer", NULL},
    {"openai-codex", "OpenAI Codex", PROVIDER_OAUTH,
     "https://chatgpt.com/backend-api/codex", NULL,
     {NULL}, {"codex", "openai_codex"}, "bearer", NULL},
    {"openai-api", "OpenAI API", PROVIDER_API_KEY,
     "https://api.openai.com/v1", "OPENAI_BASE_URL",
     {"OPENAI_API_KEY"}, {"openai"}, "bearer", "/models"},
    {"xai-oauth", "xAI Grok OAuth (SuperGrok / Premium+)", PROVIDER_OAUTH,
     "https://api.x.ai/v1", NULL,
     {NULL}, {"x-ai-oauth", "grok-oauth", "xai-grok-oauth"}, "bearer", NULL},
    {"qwen-oauth", "Qwen OAuth", PROVIDER_OAUTH,
     "https://portal.qwen.ai/v1", NULL,
     {NULL}, {"qwen-portal", "qwen-cli", "qwen"}, "bearer", NULL},
    {"lmstudio", "LM Studio", PROVIDER_API_KEY,
     "http://127.0.0.1:1234/v1", "LM_BASE_URL",
     {"LM_API_KEY"}, {"lm-studio", "lm_studio"}, "bearer", "/models"},
    {"copilot", "GitHub Copilot", PROVIDER_API_KEY,
     "https://api.githubcopilot.com", "COPILOT_API_BASE_URL",
     {"COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"},
     {"github", "github-copilot", "github-models", "github-model"}, "bearer", NULL},
    {"copilot-acp", "GitHub Copilot ACP", PROVIDER_EXTERNAL,
     "acp://copilot", "COPILOT_ACP_BASE_URL",
     {NULL}, {"github-copilot-acp", "copilot-acp-agent"}, "bearer", NULL},
    {"gemini", "Google AI Studio", PROVIDER_API_KEY,
     "https://generativelanguage.googleapis.com/v1beta", "GEMINI_BASE_URL",
     {"GOOGLE_API_KEY", "GEMINI_API_KEY"},
     {"google", "google-gemini", "google-ai-studio"}, "x-goog-api-key", "/models"},
    {"zai", "Z.AI / GLM", PROVIDER_API_KEY,
     "https://api.z.ai/api/paas/v4", "GLM_BASE_URL",
     {"GLM_API_KEY", "ZAI_API_KEY", "Z_AI_API_KEY"}, {"glm", "z-ai", "z.ai", "zhipu"}, "bearer", "/models"},
    {"kimi-coding", "Kimi / Moonshot", PROVIDER_API_KEY,
     "https://api.moonshot.ai/v1", "KIMI_BASE_URL",
     {"KIMI_API_KEY", "KIMI_CODING_API_KEY"}, {"kimi", "kimi-for-coding", "moonshot"}, "bearer", "/models"},
    {"kimi-coding-cn", "Kimi / Moonshot (China)", PROVIDER_API_KEY,
     "https://api.moonshot.cn/v1", NULL,
     {"KIMI_CN_API_KEY"}, {"kimi-cn", "moonshot-cn"}, "bearer", "/models"},
    {"stepfun", "StepFun Step Plan", PROVIDER_API_KEY,
     "https://api.stepfun.ai/step_plan/v1", "STEPFUN_BASE_URL",
     {"STEPFUN_API_KEY"}, {"step", "stepfun-coding-plan"}, "bearer", "/models"},
    {"arcee", "Arcee AI", PROVIDER_API_KEY,
     "https://api.arcee.ai/api/v1", "ARCEE_BASE_URL",
     {"ARCEEAI_API_KEY"}, {"arcee-ai", "arceeai"}, "bearer", "/models"},
    {"gmi", "GMI Cloud", PROVIDER_API_KEY,
     "https://api.gmi-serving.com/v1", "GMI_BASE_URL",
     {"GMI_API_KEY"}, {"gmi-cloud", "gmicloud"}, "bearer", "/models"},
    {"actual", "Actual Computer", PROVIDER_API_KEY,
     "https://api.actual.inc/v1", "ACTUAL_BASE_URL",
     {"ACTUAL_API_KEY"}, {"actual-computer", "actualcomputer", "aci"}, "bearer", NULL},
    {"minimax", "MiniMax", PROVIDER_API_KEY,
     "https://api.minimax.io/anthropic", "MINIMAX_BASE_URL",
     {"MINIMAX_API_KEY"}, {"mini-max"}, "x-api-key", "/v1/models"},
    {"minimax-oauth", "MiniMax (OAuth - minimax.io)", PROVIDER_OAUTH,
     "https://api.minimax.io/anthropic", NULL,
     {NULL}, {"minimax-portal", "minimax-global", "minimax_oauth", "minimax-oauth-io"}, "x-api-key", NULL},
    {"anthropic", "Anthropic", PROVIDER_API_KEY,
     "https://api.anthropic.com", "ANTHROPIC_BASE_URL",
     {"ANTHROPIC_API_KEY", "ANTHROPIC_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"},
     {"claude", "claude-code", "claude-oauth"}, "x-api-key", "/v1/models"},
    {"alibaba", "Qwen Cloud", PROVIDER_API_KEY,
     "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_BASE_URL",
     {"DASHSCOPE_API_KEY"}, {"dashscope", "alibaba-cloud", "qwen-dashscope"}, "bearer", "/models"},
    {"alibaba-coding-plan", "Alibaba Cloud (Coding Plan)", PROVIDER_API_KEY,
     "https://coding-intl.dashscope.aliyuncs.com/v1", "ALIBABA_CODING_PLAN_BASE_URL",
     {"ALIBABA_CODING_PLAN_API_KEY", "DASHSCOPE_API_KEY"},
     {"alibaba_coding", "alibaba-coding", "alibaba_coding_plan", "dashscope-coding"}, "bearer", "/models"},
    {"minimax-cn", "MiniMax (China)", PROVIDER_API_KEY,
     "https://api.minimaxi.com/anthropic", "MINIMAX_CN_BASE_URL",
     {"MINIMAX_CN_API_KEY"}, {"minimax-china", "minimax_cn"}, "x-api-key", "/v1/models"},
    {"deepseek", "DeepSeek", PROVIDER_API_KEY,
     "https://api.deepseek.com/v1", "DEEPSEEK_BASE_URL",
     {"DEEPSEEK_API_KEY"}, {"deepseek-chat"}, "bearer", "/models"},
    {"xai", "xAI", PROVIDER_API_KEY,
     "https://api.x.ai/v1", "XAI_BASE_URL",
     {"XAI_API_KEY"}, {"x-ai", "x.ai", "grok"}, "bearer", "/models"},
    {"nvidia", "NVIDIA NIM", PROVIDER_API_KEY,
     "https://integrate.api.nvidia.com/v1", "NVIDIA_BASE_URL",
     {"NVIDIA_API_KEY"}, {"nvidia-nim"}, "bearer", NULL},
    {"ai-gateway", "Vercel AI Gateway", PROVIDER_API_KEY,
     "https://ai-gateway.vercel.sh/v1", "AI_GATEWAY_BASE_URL",
     {"AI_GATEWAY_API_KEY"}, {"aigateway", "vercel", "vercel-ai-gateway", "ai_gateway"}, "bearer", NULL},
    {"opencode-zen", "OpenCode Zen", PROVIDER_API_KEY,
     "https://opencode.ai/zen/v1", "OPENCODE_ZEN_BASE_URL",
     {"OPENCODE_ZEN_API_KEY"}, {"opencode", "zen", "opencode_zen"}, "bearer", NULL},
    {"opencode-go", "OpenCode Go", PROVIDER_API_KEY,
     "https://opencode.ai/zen/go/v1", "OPENCODE_GO_BASE_URL",
     {"OPENCODE_GO_API_KEY"}, {"go", "opencode-go-sub", "opencode_go"}, "bearer", NULL},
    {"kilocode", "Kilo Code", PROVIDER_API_KEY,
     "https://api.kilo.ai/api/gateway", "KILOCODE_BASE_URL",
     {"KILOCODE_API_KEY"}, {"kilo", "kilo-code", "kilo-gateway"}, "bearer", NULL},
    {"huggingface", "Hugging Face", PROVIDER_API_KEY,
     "https://router.huggingface.co/v1", "HF_BASE_URL",
     {"HF_TOKEN"}, {"hf", "hugging-face", "huggingface-hub"}, "bearer", NULL},
    {"xiaomi", "Xiaomi MiMo", PROVIDER_API_KEY,
     "https://api.xiaomimimo.com/v1", "XIAOMI_BASE_URL",
     {"XIAOMI_API_KEY"}, {"mimo", "xiaomi-mimo"}, "bearer", "/models"},
    {"tencent-tokenhub", "Tencent TokenHub", PROVIDER_API_KEY,
     "https://tokenhub.tencentmaas.com/v1", "TOKENHUB_BASE_URL",
     {"TOKENHUB_API_KEY"}, {"tencent", "tokenhub", "tencent-cloud", "tencentmaas"}, "bearer", "/models"},
    {"ollama-cloud", "Ollama Cloud", PROVIDER_API_KEY,
     "https://ollama.com/v1", "OLLAMA_BASE_URL",
     {"OLLAMA_API_KEY"}, {"ollama_cloud"}, "bearer", NULL},
    {"bedrock", "AWS Bedrock", PROVIDER_EXTERNAL,
     "https://bedrock-runtime.us-east-1.amazonaws.com", "BEDROCK_BASE_URL",
     {NULL}, {"aws", "aws-bedrock", "amazon-bedrock", "amazon"}, "bearer", NULL},
    {"vertex", "Google Vertex AI", PROVIDER_EXTERNAL,
     "", NULL,
     {NULL}, {"google-vertex", "vertex-ai", "gcp-vertex", "vertexai"}, "bearer", NULL},
    {"azure-foundry", "Azure Foundry", PROVIDER_API_KEY,
     "", "AZURE_FOUNDRY_BASE_URL",
     {"AZURE_FOUNDRY_API_KEY"}, {"azure", "azure-ai-foundry", "azure-ai"}, "bearer", "/models"},
    {"commandcode", "CommandCode", PROVIDER_API_KEY,
     "https://api.commandcode.ai/provider/v1", "COMMANDCODE_BASE_URL",
     {"COMMANDCODE_API_KEY"}, {"commandcode-chat"}, "bearer", NULL},
    {"commandcode-anthropic", "CommandCode (Anthropic)", PROVIDER_API_KEY,
     "https://api.commandcode.ai/provider/v1", "COMMANDCODE_ANTHROPIC_BASE_URL",
     {"COMMANDCODE_API_KEY"}, {"commandcode-claude"}, "bearer", NULL},
    {"deepinfra", "DeepInfra", PROVIDER_API_KEY,
     "https://api.deepinfra.com/v1/openai", "DEEPINFRA_BASE_URL",
     {"DEEPINFRA_API_KEY"}, {"deep-infra", "deepinfra-ai"}, "bearer", NULL},
    {"fireworks", "Fireworks AI", PROVIDER_API_KEY,
     "https://api.fireworks.ai/inference/v1", NULL,
     {"FIREWORKS_API_KEY"}, {"fireworks-ai", "fw"}, "bearer", "/models"},
    {"novita", "NovitaAI", PROVIDER_API_KEY,
     "https://api.novita.ai/openai/v1", "NOVITA_BASE_URL",
     {"NOVITA_API_KEY"}, {"novita-ai", "novitaai"}, "bearer", NULL},
    {"upstage", "Upstage Solar", PROVIDER_API_KEY,
     "https://api.upstage.ai/v1", "UPSTAGE_BASE_URL",
     {"UPSTAGE_API_KEY"}, {"solar"}, "bearer", "/models"},
    /* Of later versions than 0.20.2. */
    {"meta-ai", "Meta AI", PROVIDER_API_KEY,
     "https://api.meta.ai/v1", "META_BASE_URL",
     {"MODEL_API_KEY", "META_API_KEY", "META_MODEL_API_KEY"},
     {"meta", "model-api", "msl", "muse", "muse-spark"}, "bearer", NULL},
    {"tencent-tokenplan", "Tencent TokenPlan", PROVIDER_API_KEY,
     "https://api.lkeap.cloud.tencent.com/plan/anthropic", "TOKENPLAN_BASE_URL",
     {"TOKENPLAN_API_KEY"}, {"tokenplan", "tencent-lkeap"}, "x-api-key", NULL},
    {"router", "Ramp Router", PROVIDER_API_KEY,
     "https://api.router.com/v1", "RAMP_ROUTER_BASE_URL",
     {"RAMP_ROUTER_API_KEY", "ROUTER_API_KEY"}, {"ramp-router", "ramp", "router.com"}, "bearer", NULL},
    {"nebius-token-factory", "Nebius Token Factory", PROVIDER_API_KEY,
     "https://api.tokenfactory.nebius.com/v1", "NEBIUS_BASE_URL",
     {"NEBIUS_API_KEY", "NEBIUS_TOKEN_FACTORY_API_KEY"},
     {"nebius", "nebius-tokenfactory", "nebius-tf", "token-factory", "tokenfactory"}, "bearer", NULL},
    {"alibaba-cn", "Qwen Cloud (China)", PROVIDER_API_KEY,
     "https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_CN_BASE_URL",
     {"DASHSCOPE_API_KEY"}, {"dashscope-cn", "alibaba-cloud-cn"}, "bearer", NULL},
    {"alibaba-token-plan", "Alibaba Cloud (Token Plan)", PROVIDER_API_KEY,
     "https://token-plan.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1", "ALIBABA_TOKEN_PLAN_BASE_URL",
     {"ALIBABA_TOKEN_PLAN_API_KEY"}, {"dashscope-token-plan"}, "bearer", NULL},
    {"alibaba-token-plan-cn", "Alibaba Cloud (Token Plan, China)", PROVIDER_API_KEY,
     "https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1", "ALIBABA_TOKEN_PLAN_CN_BASE_URL",
     {"ALIBABA_TOKEN_PLAN_CN_API_KEY", "ALIBABA_TOKEN_PLAN_API_KEY"}, {"dashscope-token-plan-cn"}, "bearer", NULL},
    {"alibaba-coding-plan-cn", "Alibaba Cloud (Coding Plan, China)", PROVIDER_API_KEY,
     "https://coding.dashscope.aliyuncs.com/v1", NULL,
     {"ALIBABA_CODING_PLAN_CN_API_KEY", "ALIBABA_CODING_PLAN_API_KEY"}, {NULL}, "bearer", NULL},
    {"openrouter", "OpenRouter", PROVIDER_API_KEY,
     "https://openrouter.ai/api/v1", "OPENROUTER_BASE_URL",
     {"OPENROUTER_API_KEY", "OPENAI_API_KEY"}, {"or"}, "bearer", "/key"},
    {"custom", "Custom endpoint", PROVIDER_CUSTOM,
     "", "CUSTOM_BASE_URL",
     {NULL}, {"ollama", "vllm", "llamacpp", "llama.cpp", "llama-cpp", "local"}, "bearer", "/models"},
};
/* clang-format on */
const size_t provider_table_count = sizeof provider_table / sizeof provider_table[0];

static const char *skip_blanks(const char *text, size_t *ret_len)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    *ret_len = len;
    return text;
}

static int same_name(const char *known, const char *name, size_t len)
{
    if (strlen(known) != len)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (known[i] != tolower((unsigned char)name[i]))
            return 0;
    return 1;
}

const struct provider_row *provider_table_find(const char *name)
{
    size_t len;
    name = skip_blanks(name, &len);
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *row = &provider_table[i];
        if (same_name(row->id, name, len))
            return row;
        for (size_t k = 0; row->aliases[k] != NULL; k++)
            if (same_name(row->aliases[k], name, len))
                return row;
    }
    return NULL;
}

/* Lower case for ASCII only. Hermes's lower() knows all of Unicode; names outside ASCII keep their case here. */
size_t provider_table_normalise(const char *name, char *result, size_t size)
{
    size_t len;
    name = skip_blanks(name, &len);
    size_t need = lower_case(name, len, result, size);
    for (size_t i = 0; i < need && i + 1 < size; i++)
        if (result[i] == ' ')
            result[i] = '-';
    return need;
}

void provider_table_consider(struct near_name *near)
{
    for (size_t i = 0; i < provider_table_count; i++) {
        near_name_consider(near, provider_table[i].id);
        for (const char *const *alias = provider_table[i].aliases; *alias != NULL; alias++)
            near_name_consider(near, *alias);
    }
}

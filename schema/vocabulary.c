#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "known_variables.h"
#include "provider_table.h"

/* Names that a config.yaml may use, sorted for bsearch. They are shown in source lines; every other word of four
 * characters or more is masked. */
static const char *const words[] = {
    "_config_version", "abort_on_summary_failure", "access_token", "access_token_env", "account", "ack_enabled",
    "ack_phrases", "acked_advisories", "active_preset", "adopt_existing_tab", "agent", "aggregator",
    "allow_any_attachment", "allow_lazy_installs", "allow_private_urls", "allow_unsafe_evaluate", "allowed_channels",
    "allowed_chats", "allowed_rooms", "ambient_enabled", "ambient_gain", "ambient_path", "anthropic", "api", "apiKey",
    "apiKeyEnv", "apiMode", "api_base", "api_key", "api_key_env", "api_max_retries", "api_mode", "api_server",
    "app_secret", "app_token", "approval", "approval_mentions", "approvals", "archive_after_days", "args", "at_hour",
    "audio_tags", "auto", "auto_decompose", "auto_decompose_per_tick", "auto_install", "auto_local_for_private_urls",
    "auto_prune", "auto_source_bashrc", "auto_thread", "auto_tts", "auxiliary", "backend",
    "background_process_notifications", "background_review", "backup", "backup_count", "backup_keep", "baseUrl",
    "base_url", "basic_auth", "bedrock", "beep_enabled", "bell_on_complete", "binary_path", "bit_rate", "bitwarden",
    "bots_require_inline_mention", "bridge_token", "browser", "buffer_threshold", "busy_ack_detail",
    "busy_input_mode", "busy_steer_ack_enabled", "cache_ttl", "cache_ttl_seconds", "callback_url", "camofox",
    "catgirl", "cdp_url", "channel_prompts", "channel_secret", "channels", "checkpoints", "child_timeout_seconds",
    "chronos", "clarify_timeout", "cleanup_progress", "cli", "cli_refresh_interval", "client_id", "client_secret",
    "code_execution", "codex_app_server_auto", "codex_gpt55_autoraise", "codex_gpt55_autoraise_notice",
    "coding_context", "coding_instructions", "command_allowlist", "command_timeout", "compact", "compression",
    "compute_host_heartbeat_secs", "compute_host_respawn_max", "computer_use", "concise", "config", "consolidate",
    "container_cpu", "container_disk", "container_memory", "container_persistent", "context", "contextLength",
    "context_file_max_chars", "context_length", "copy_shortcut", "corp_secret", "creation_nudge_interval", "creative",
    "credential_pool_sources", "credential_pool_strategies", "credits_notices", "cron", "cron_mode", "cua_telemetry",
    "curator", "cursor", "custom", "custom_providers", "cwd", "daemon_term_grace_seconds", "dashboard",
    "daytona_image", "deepinfra", "default", "defaultModel", "default_assignee", "default_headers", "default_model",
    "default_preset", "delegation", "delete_orphans", "deny", "desktop", "destructive_slash_confirm", "device",
    "dialog_policy", "dialog_timeout_s", "diarize", "disable_gpu", "disabled", "disabled_toolsets", "discord",
    "discovery", "dispatch_in_gateway", "dispatch_interval_seconds", "dispatch_stale_timeout_seconds", "display",
    "dm_role_auth_guild", "docker_env", "docker_extra_args", "docker_forward_env", "docker_image",
    "docker_mount_cwd_to_workspace", "docker_network", "docker_run_as_host_user", "docker_volumes", "domains",
    "download_timeout", "drain_auth", "duck_gain", "echo_transcripts", "edge", "edit_interval", "electron_flags",
    "elevenlabs", "enabled", "encoding_aes_key", "encrypt_key", "engine", "env", "env_files", "env_passthrough",
    "environment_hint", "environment_probe", "ephemeral_system_ttl", "exact_failure", "expected_audience", "export",
    "external_dirs", "extra", "extra_body", "extra_headers", "extract_backend", "extract_char_limit", "failure_limit",
    "fallback_chain", "fallback_model", "fallback_providers", "false", "fields", "file_mutation_verifier",
    "file_read_max_chars", "fill_first", "final_response_markdown", "first_lines", "flush_min_turns", "force_ipv4",
    "free_response_channels", "free_response_rooms", "fresh_final_after_seconds", "friendly_tool_labels", "gateway",
    "gateway_auto_continue_freshness", "gateway_notify_interval", "gateway_timeout", "gateway_timeout_warning",
    "gemini", "goal_judge", "goals", "google_chat", "group_sessions_per_user", "guard_agent_created", "guardrail",
    "guardrail_identifier", "guardrail_version", "hard_stop_after", "hard_stop_enabled", "headed", "headers",
    "helpful", "hermes_watch", "history_backfill", "history_backfill_limit", "home_mode", "homeassistant", "honcho",
    "hooks", "hooks_auto_accept", "http", "https", "human_delay", "hygiene_hard_message_limit", "hype",
    "idempotent_no_progress", "idle_minutes", "idle_timeout_minutes", "image_input_mode", "in_place",
    "inactivity_timeout", "inherit_mcp_toolsets", "inline_diffs", "inline_shell", "inline_shell_timeout",
    "install_strategy", "intent_ack_continuation", "interface", "interim_assistant_messages", "interval_hours",
    "kanban", "kanban_decomposer", "kawaii", "keep", "keyEnv", "key_env", "language", "language_code", "last_lines",
    "launchd_secrets_wrapper", "least_used", "level", "lifetime_seconds", "limit", "local",
    "local_stream_stale_timeout", "logging", "long_running_notifications", "loopback_host_alias", "lsp",
    "managed_persistence", "matrix", "mattermost", "max_attachment_bytes", "max_bytes", "max_concurrent_children",
    "max_concurrent_runs", "max_concurrent_sessions", "max_dispatches", "max_file_size_mb",
    "max_in_progress_per_profile", "max_inbound_media_bytes", "max_iterations", "max_line_length", "max_lines",
    "max_live_sessions", "max_ms", "max_parallel_jobs", "max_recording_seconds", "max_restarts", "max_search_limit",
    "max_size_mb", "max_snapshots", "max_spawn_depth", "max_starts", "max_summary_chars", "max_tokens",
    "max_tool_calls", "max_total_size_mb", "max_turns", "max_verify_nudges", "mcp", "mcp_discovery_timeout",
    "mcp_reload_confirm", "mcp_servers", "media_delivery_allow_dirs", "memory", "memory_char_limit", "memory_enabled",
    "memory_notifications", "memory_query_rewrite", "message_timestamps", "min_coding_score", "min_idle_hours",
    "min_interval_hours", "min_ms", "min_secret_chars", "mirror_delivery", "missed_message_backfill", "mistral",
    "moa", "moa_aggregator", "moa_reference", "modal_image", "modal_mode", "mode", "model", "model_aliases",
    "model_catalog", "model_id", "models", "monitor", "name", "nas_jwks_url", "network", "neutts", "noir",
    "non_interactive_local_changes", "none", "notify_url", "nudge_interval", "null", "oauth", "onboarding",
    "onepassword", "openai", "openrouter", "orchestrator_enabled", "orchestrator_profile", "output_retention",
    "override_existing", "parallel_tool_call_guidance", "password", "password_hash", "paste_collapse_char_threshold",
    "paste_collapse_threshold", "paste_collapse_threshold_fallback", "persist_prompts", "persistent_output",
    "persistent_output_max_lines", "persistent_shell", "persona_prompt_file", "personalities", "personality", "pet",
    "philosopher", "piper", "pirate", "platform_connect_timeout", "platform_hints", "platform_toolsets", "platforms",
    "plugins", "portal_url", "pre_update_backup", "prefill_messages_file", "presets", "privacy", "profile_build",
    "profile_describer", "project_id", "project_secret", "prompt_caching", "protect_first_n", "protect_last_n",
    "provider", "provider_filter", "providers", "prune_builtins", "public_url", "qqbot", "quick_commands", "random",
    "rateLimitDelay", "reactions", "reasoning_effort", "reasoning_full", "reasoning_overrides", "reasoning_style",
    "record_key", "record_sessions", "redact_pii", "redact_secrets", "ref_audio", "ref_text", "reference_models",
    "refresh_cua_driver", "refresh_interval", "region", "reload_unit", "render_mode", "require_mention",
    "require_probe", "respawn_storm", "response_cache", "response_cache_ttl", "restart_drain_timeout",
    "restart_loop_guard", "restrict_evaluate", "resume_display", "resume_exchanges", "resume_max_assistant_chars",
    "resume_max_assistant_lines", "resume_max_user_chars", "resume_skip_tool_only", "retention_days", "retries",
    "rewrite_loopback_urls", "rich_drafts", "rich_messages", "round_robin", "runtime_footer", "same_tool_failure",
    "sample_rate", "save_traces", "scale", "scale_to_zero", "scope", "search_backend", "search_default_limit",
    "secret", "secrets", "security", "seen", "server_actions", "server_url", "servers", "service_account_token_env",
    "service_tier", "session_db_timeout_seconds", "session_key", "session_reset", "session_ttl_seconds", "sessions",
    "settle_ms", "shakespeare", "shared_files", "shell_init_files", "show_commentary", "show_cost", "show_reasoning",
    "show_token_analytics", "signal", "silence_duration", "silence_threshold", "singularity_image", "skills",
    "skills_hub", "skin", "slack", "slug", "speech_gain", "spend_caps", "ssl_ca_cert", "stale_after_days",
    "status_phrases", "stream_processing_mode", "streaming", "strict", "stt", "subagent_auto_approve",
    "sudo_password", "surfer", "system_prompt", "tag_audio_events", "target_ratio", "task_completion_guidance",
    "teacher", "teams", "technical", "telegram", "template_vars", "terminal", "theme", "thread_require_mention",
    "threshold", "threshold_pct", "timeout", "timeout_seconds", "timestamp_format", "timestamps", "timezone",
    "tirith_enabled", "tirith_fail_open", "tirith_path", "tirith_timeout", "title_generation", "token",
    "tool_loop_guardrails", "tool_output", "tool_preview_length", "tool_progress", "tool_progress_command",
    "tool_progress_grouping", "tool_progress_overrides", "tool_search", "tool_use_enforcement", "tools", "toolsets",
    "trace", "trace_dir", "transient_retries", "transport", "triage_specifier", "true", "trust_recent_files",
    "trust_recent_files_seconds", "ttl_hours", "tts", "tts_audio_tags", "tui_agents_nudge", "tui_auto_resume_recent",
    "tui_status_indicator", "turn_completion_explainer", "turn_isolation", "unicode_cols", "updates", "url",
    "user_char_limit", "user_id", "user_message_preview", "user_profile_enabled", "username", "uwu",
    "vacuum_after_prune", "verbose", "verify_guidance", "verify_on_stop", "verify_token", "vertex", "vision", "voice",
    "voice_fx", "voice_id", "wait_mode", "wait_timeout", "warn_after", "warnings_enabled", "web", "web_extract",
    "website_blocklist", "websocket_heartbeat_ack_max_age_seconds", "websocket_liveness_failure_threshold",
    "websocket_liveness_interval_seconds", "websocket_max_latency_seconds", "whatsapp", "window_seconds",
    "worker_log_backup_count", "worker_log_rotate_bytes", "wrap_response", "write_approval", "write_json_snapshots",
    "write_sessions_json", "x_search", "xai", "yes", "yuanbao",
};

struct span {
    const char *text;
    size_t len;
};

static int compare_word(const void *key, const void *element)
{
    const struct span *span = key;
    const char *word = *(const char *const *)element;
    int order = strncmp(span->text, word, span->len);
    return order != 0 ? order : -(word[span->len] != '\0');
}

static bool is_provider(const char *word, size_t len)
{
    char name[64];
    if (len >= sizeof name)
        return false;
    memcpy(name, word, len);
    name[len] = '\0';
    return provider_find(name) != NULL;
}

bool vocabulary_has(const char *word, size_t len)
{
    struct span span = {word, len};
    return bsearch(&span, words, sizeof words / sizeof words[0], sizeof words[0], compare_word) != NULL ||
           variable_known(word, len) || is_provider(word, len);
}

size_t vocabulary_config_keys(const char *const **ret_words)
{
    *ret_words = words;
    return sizeof words / sizeof words[0];
}

// The real client libraries, told what to do line by line: {"do": NAME, "relay": URL, "token": ...} in, {"result": ...} or {"error": ...} out. Each
// library's client lives through whatever happens to the keys, as it does in an application.
import * as readline from 'node:readline';
import OpenAI, { toFile } from 'openai';
import OpenAI4 from 'openai4';
import Anthropic, { toFile as toAnthropicFile } from '@anthropic-ai/sdk';
import { embed, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';

// What an application makes once, for each relay that it talks to.
const made = new Map();
function clientsOf({ relay, token }) {
  if (!made.has(relay)) {
    made.set(relay, {
      relay, token,
      openai: new OpenAI({ baseURL: relay + '/v1', apiKey: token, maxRetries: 0 }),
      openai4: new OpenAI4({ baseURL: relay + '/v1', apiKey: token, maxRetries: 0 }),
      anthropic: new Anthropic({ baseURL: relay, apiKey: token, maxRetries: 0 }),
      bearing: new Anthropic({ baseURL: relay, authToken: token, apiKey: null, maxRetries: 0 }),
      compatible: createOpenAICompatible({ name: 'relay', baseURL: relay + '/v1', apiKey: token, includeUsage: true }),
    });
  }
  return made.get(relay);
}

globalThis.File ??= (await import('node:buffer')).File; // node 18 does not have it by itself

const messages = [{ role: 'user', content: 'hello' }];
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const chat = { model: 'm', messages };
const message = { model: 'm', max_tokens: 64, messages };
const blob = () => Buffer.alloc(300000, 'image \r\n--bytes-- \0');

async function texts(stream, pick) {
  const parts = [];
  for await (const event of stream) parts.push(pick(event));
  return parts.filter((part) => part !== undefined && part !== null && part !== '');
}

// Reads until the first piece has come, and leaves.
async function leave(stream, abort) {
  for await (const event of stream) {
    abort();
    return event !== undefined;
  }
}

const weather = tool({ description: 'w', inputSchema: jsonSchema(schema), execute: async ({ city }) => `rain in ${city}` });
let held; // a stream that is left open while something else happens

const deeds = {
  async 'openai.chat'({ openai, relay, token }, { retries = 0, base = '/v1', other = token }) {
    const client = openai.withOptions({ maxRetries: retries, baseURL: relay + base, apiKey: other });
    const { data, response } = await client.chat.completions.create(chat).withResponse();
    return { text: data.choices[0].message.content, attempts: response.headers.get('x-hermes-attempts'), id: data._request_id };
  },
  async 'openai.stream'({ openai }) {
    const stream = await openai.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } });
    return await texts(stream, (chunk) => chunk.choices[0]?.delta.content ?? chunk.usage?.completion_tokens);
  },
  async 'openai.tools'({ openai }) {
    const tools = [{ type: 'function', function: { name: 'weather', parameters: schema } }];
    const final = await openai.chat.completions.stream({ ...chat, model: 'tools', tools }).finalChatCompletion();
    return final.choices[0].message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments).city]);
  },
  async 'openai.responses'({ openai }) {
    const stream = await openai.responses.create({ model: 'm', input: 'hello', stream: true });
    return await texts(stream, (event) => event.delta);
  },
  async 'openai.embeddings'({ openai }) {
    const answer = await openai.embeddings.create({ model: 'm', input: ['a', 'b'] });
    return answer.data.map((one) => Array.from(one.embedding));
  },
  async 'openai.models'({ openai }) {
    return [await texts(openai.models.list(), (model) => model.id), (await openai.models.retrieve('org/m:1')).id];
  },
  async 'openai.upload'({ openai }) {
    const file = await openai.files.create({ file: await toFile(blob(), 'data.bin'), purpose: 'batch' });
    const back = Buffer.from(await (await openai.files.content(file.id)).arrayBuffer());
    const deleted = await openai.files.delete(file.id);
    return [file.bytes, back.equals(blob()), deleted.deleted];
  },
  async 'openai.image'({ openai }) {
    const image = await toFile(blob(), 'a.png', { type: 'image/png' });
    const edited = await openai.images.edit({ model: 'm', image: [image, image], prompt: 'p' });
    return edited.data[0].b64_json;
  },
  async 'openai.leave'({ openai }) {
    const stream = await openai.chat.completions.create({ ...chat, model: 'endless', stream: true });
    return await leave(stream, () => stream.controller.abort());
  },
  async 'openai.abort'({ openai }) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    await openai.chat.completions.create({ ...chat, model: 'silent' }, { signal: controller.signal });
  },
  async 'openai.hold'({ openai }) {
    held = (await openai.chat.completions.create({ ...chat, model: 'held', stream: true }))[Symbol.asyncIterator]();
    return (await held.next()).value.choices[0].delta.content;
  },
  async 'openai.finish'() {
    return await texts({ [Symbol.asyncIterator]: () => held }, (chunk) => chunk.choices[0]?.delta.content);
  },

  // An older one, which many applications have.
  async 'openai4.chat'({ openai4 }, { retries = 0 }) {
    const { data, response } = await openai4.chat.completions.create(chat, { maxRetries: retries }).withResponse();
    return { text: data.choices[0].message.content, attempts: response.headers.get('x-hermes-attempts') };
  },
  async 'openai4.stream'({ openai4 }) {
    return await deeds['openai.stream']({ openai: openai4 });
  },
  async 'openai4.upload'({ openai4 }) {
    const file = await openai4.files.create({ file: await toFile(blob(), 'data.bin'), purpose: 'batch' });
    const back = Buffer.from(await (await openai4.files.content(file.id)).arrayBuffer());
    return [file.bytes, back.equals(blob())];
  },

  async 'anthropic.message'({ anthropic, bearing }, { retries = 0, bearer = false }) {
    const client = (bearer ? bearing : anthropic).withOptions({ maxRetries: retries });
    return (await client.messages.create(message)).content[0].text;
  },
  async 'anthropic.stream'({ anthropic }) {
    const stream = anthropic.messages.stream(message);
    const parts = await texts(stream, (event) => event.delta?.text);
    return [parts, (await stream.finalMessage()).usage.output_tokens];
  },
  async 'anthropic.tools'({ anthropic }) {
    const tools = [{ name: 'weather', input_schema: schema }];
    const final = await anthropic.messages.stream({ ...message, model: 'tools', tools }).finalMessage();
    return [final.stop_reason, final.content.map((block) => [block.name, block.input.city])];
  },
  async 'anthropic.count'({ anthropic }) {
    return (await anthropic.messages.countTokens({ model: 'm', messages })).input_tokens;
  },
  async 'anthropic.models'({ anthropic }) {
    return await texts(anthropic.models.list(), (model) => model.id);
  },
  async 'anthropic.upload'({ anthropic }) {
    const file = await anthropic.beta.files.upload({ file: await toAnthropicFile(blob(), 'a.png', { type: 'image/png' }) });
    return file.size_bytes;
  },
  async 'anthropic.leave'({ anthropic }) {
    const stream = await anthropic.messages.create({ ...message, model: 'endless', stream: true });
    return await leave(stream, () => stream.controller.abort());
  },

  async 'ai.text'({ compatible }, { retries = 0 }) {
    return (await generateText({ model: compatible('m'), prompt: 'hello', maxRetries: retries })).text;
  },
  async 'ai.stream'({ compatible }) {
    let failure;
    const onError = ({ error }) => (failure = error);
    const stream = streamText({ model: compatible('m'), prompt: 'hello', maxRetries: 0, onError });
    const parts = await texts(stream.textStream, (text) => text);
    if (failure !== undefined) throw failure;
    return [parts, (await stream.usage).outputTokens];
  },
  async 'ai.tools'({ compatible }) {
    const options = { prompt: 'hello', maxRetries: 0, tools: { weather }, stopWhen: stepCountIs(3) };
    const { text, steps } = await generateText({ model: compatible('tools'), ...options });
    return [text, steps.flatMap((step) => step.toolResults.map((result) => result.output))];
  },
  async 'ai.embed'({ compatible }) {
    return (await embed({ model: compatible.textEmbeddingModel('m'), value: 'a', maxRetries: 0 })).embedding;
  },
  async 'ai.leave'({ compatible }) {
    const controller = new AbortController();
    const options = { prompt: 'hello', maxRetries: 0, abortSignal: controller.signal, onError: () => {} };
    return await leave(streamText({ model: compatible('endless'), ...options }).textStream, () => controller.abort());
  },
};

function described(error) {
  const inner = error.lastError ?? error;
  const headers = new Headers(inner.headers ?? inner.responseHeaders ?? {});
  return {
    class: inner.constructor.name, outer: error.constructor.name, status: inner.status ?? inner.statusCode ?? null,
    message: String(inner.message), retry_after: headers.get('retry-after'), request: headers.get('x-hermes-request-id'),
    retryable: inner.isRetryable ?? null,
  };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  try {
    console.log(JSON.stringify({ result: (await deeds[order.do](clientsOf(order), order)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: described(error) }));
  }
}

// Fetches and starts the simulator. Everything else of the page is Rust.

import { showRecovery } from "./recovery.js";

const wasm = new URL("../pkg/mapscope_bg.wasm", import.meta.url);
const line = document.getElementById("loading-text");
const started = performance.now();

function say(text) {
  if (line && line.isConnected) line.textContent = text;
}

function kilobytes(bytes) {
  return Math.round(bytes / 1000);
}

// The same response, with the bytes counted as they pass. The sum is unknown when the server compresses.
function counted(response) {
  if (!response.body || typeof TransformStream === "undefined") return response;
  const packed = response.headers.get("content-encoding");
  const total = packed ? 0 : Number(response.headers.get("content-length")) || 0;
  let seen = 0;
  const count = new TransformStream({
    transform(chunk, out) {
      seen += chunk.byteLength;
      if (performance.now() - started > 300) {
        say(`Loading the simulator, ${kilobytes(seen)}${total ? ` of ${kilobytes(total)}` : ""} KB`);
      }
      out.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(count), { headers: { "content-type": "application/wasm" } });
}

async function start() {
  if (typeof WebAssembly !== "object") {
    say("This browser has no WebAssembly, and the simulator is made of it. A current Firefox, Chrome, Edge or Safari runs it.");
    return;
  }
  try {
    const [glue, response] = await Promise.all([import("../pkg/mapscope.js"), fetch(wasm)]);
    if (!response.ok) throw new Error(`the server answers ${response.status} for ${wasm.pathname}`);
    await glue.default({ module_or_path: counted(response) });
  } catch (reason) {
    say(`The simulator did not start: ${reason.message}. Reload to try again; nothing you saved is lost.`);
    throw reason;
  }
}

// A panic of ours tells its words first; then, or without words (a stack that ran full), the module stops.
let lastWords = "";
addEventListener("mapscope-stopped", (event) => {
  lastWords = String(event.detail);
  // After the stack that panicked has unwound.
  setTimeout(() => showRecovery(lastWords), 0);
});
addEventListener("error", (event) => {
  if (event.error instanceof WebAssembly.RuntimeError && !lastWords) showRecovery(String(event.error.stack || event.error));
});

start();

// The built site names its worker; a source tree served as it is has none, so reloads there are always fresh.
const worker = document.documentElement.dataset.worker;
if (worker && "serviceWorker" in navigator) navigator.serviceWorker.register(worker);

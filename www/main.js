// Starts the simulator. Everything else of the page is Rust.
import init from "../pkg/mapscope.js";

await init();

// The built site names its worker; a source tree served as it is has none, so reloads there are always fresh.
const worker = document.documentElement.dataset.worker;
if (worker && "serviceWorker" in navigator) navigator.serviceWorker.register(worker);

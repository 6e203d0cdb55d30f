// ONNX Runtime in two forms: for the processor by WebAssembly, and for a graphics card by WebGPU.

const FOLDER = new URL('../../runtime/', import.meta.url);
const THREADS = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;

export const forProcessor = () => open('ort.wasm.min.mjs', 'ort-wasm-simd-threaded.wasm.gz', THREADS);
export const forCard = () => open('ort.webgpu.min.mjs', 'ort-wasm-simd-threaded.asyncify.wasm.gz', 1);

async function open(module, binary, threads) {
  const [ort, answer] = await Promise.all([import(new URL(module, FOLDER)), fetch(new URL(binary, FOLDER))]);
  if (!answer.ok) throw new Error(`The file runtime/${binary} is not there.`);
  ort.env.wasm.wasmPaths = FOLDER.href;
  ort.env.wasm.wasmBinary = await unpacked(await answer.arrayBuffer());
  ort.env.wasm.numThreads = threads;
  return ort;
}

// Some servers unpack such a file themselves.
async function unpacked(bytes) {
  const [first, second] = new Uint8Array(bytes, 0, 2);
  if (first !== 0x1f || second !== 0x8b) return bytes;
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

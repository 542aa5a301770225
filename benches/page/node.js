// What the peers expect of Node.js and a browser does not have.
export { Buffer } from "buffer";
export * as process from "process/browser.js";

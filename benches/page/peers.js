// The peers, made one module for the browser by esbuild.
import Redis from "ioredis-mock/browser.js";
import Parser from "redis-parser";
export { Parser, Redis };

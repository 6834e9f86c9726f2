// Has Node's loader use hook.mjs: in this thread where it can (Node 22.15 and later), else in one of its own.
import * as module from "node:module";

const hook = new URL("hook.mjs", import.meta.url);
hook.search = new URL(import.meta.url).search;
if (module.registerHooks) module.registerHooks(await import(hook.href));
else module.register(hook.href);

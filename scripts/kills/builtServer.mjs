/** The server as it is published, in a process of its own. */
import { enableCompileCache } from "node:module"

enableCompileCache()
const { runServer } = await import("../../server/dist/index.js")
process.exitCode = await runServer()

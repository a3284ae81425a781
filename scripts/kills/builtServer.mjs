/** The published server as a separate process. */
import { enableCompileCache } from "node:module"

enableCompileCache()
const { runServer } = await import("../../server/dist/index.js")
process.exitCode = await runServer()

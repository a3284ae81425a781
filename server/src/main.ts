import { enableCompileCache } from "node:module"

enableCompileCache()
const { runServer } = await import("./runServer.ts")

/** What `maxcloud server` runs: the server by its settings in the environment. */
process.exitCode = await runServer({
  onReady: ({ url }) => console.log(`max-cloud listens on ${url}`)
})

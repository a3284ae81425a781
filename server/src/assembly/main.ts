import { enableCompileCache } from "node:module"

enableCompileCache()
const { bootstrapNotice, runServer } = await import("./runServer.ts")

/** What `maxcloud server` runs: the server by its settings in the environment. */
process.exitCode = await runServer({
  onReady: ({ bootstrapUrl, url }) => {
    console.log(`max-cloud listens on ${url}`)
    if (bootstrapUrl !== undefined) console.log(bootstrapNotice(bootstrapUrl))
  }
})

import { enableCompileCache } from "node:module"

enableCompileCache()
const { bootstrapNotice, runServer } = await import("./runServer.ts")

/** The program of `maxcloud server`: reads the server's settings from the environment. */
process.exitCode = await runServer({
  onReady: ({ bootstrapUrl, url }) => {
    console.log(`max-cloud listens on ${url}`)
    if (bootstrapUrl !== undefined) console.log(bootstrapNotice(bootstrapUrl))
  }
})

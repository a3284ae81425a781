import { createClient, DeploymentFailed, loadConfig } from "@maxcloud/sdk"

const client = createClient() // MAXCLOUD_API_URL, else http://127.0.0.1:8080
const config = await loadConfig({ stage: "production" })
console.log((await client.plan(config)).changes)
try {
  await client.deploy(config, {
    onProgress: (progress) => console.log(progress._tag),
    signal: AbortSignal.timeout(300_000) // stops waiting; the deployment continues
  })
} catch (error) {
  if (error instanceof DeploymentFailed) console.error(error.deployment.services)
  throw error
}

for await (const entry of client.logs("web", { tail: 10 })) console.log(entry.line) // `follow: true` keeps streaming
await client.services.pause("web")
await client.services.resume("web")
await client.services.restart("web") // resolves when the new instances serve
console.log((await client.usage({ since: "30d" })).services)
await client.services.delete("web")
await client.close()

import { bundledServer } from "./bundledServer.ts"
import { ask, makeExampleApp, ownStart } from "./exampleApp.ts"
import { type Benchmark, interleaved, seconds, times } from "./measure.ts"

/** The time from a request to a service at zero until the response, compared with starting only the process. */
export const coldStartBenchmark: Benchmark = {
  name: "coldStart",
  run: async () => {
    const app = makeExampleApp()
    const { embedded } = await bundledServer()
    await using cloud = await embedded({})
    await cloud.client.deploy({ app: "app", services: [{ name: "app", source: app.folder, scale: { idle: "6s" } }] })
    const port = Number(new URL(cloud.url).port)
    const cold = async () => {
      while ((await cloud.client.services.get("app")).status.instances > 0)
        await new Promise((resolve) => setTimeout(resolve, 200))
      const start = process.hrtime.bigint()
      if ((await ask(port, `app--local.localhost:${port}`)) !== "1") throw new Error("unexpected response")
      return Number(process.hrtime.bigint() - start) / 1e9
    }
    const [ours = Number.NaN, peer = Number.NaN] = await interleaved(7, [cold, () => ownStart(app.folder)])
    app.remove()
    return [
      {
        work: "cold start: first request to a service at zero, until its response",
        ours: seconds(ours),
        peer: `the process alone ${seconds(peer)}`,
        ratio: times(ours / peer),
        goal: "≤ 1.15 ×"
      }
    ]
  }
}

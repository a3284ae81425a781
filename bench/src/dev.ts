import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { ask, freePort, makeExampleApp, ownStart, secondsUntil } from "./exampleApp.ts"
import { type Benchmark, interleaved, seconds, whenItSays } from "./measure.ts"

const maxcloud = join(import.meta.dirname, "../../cli/bin/maxcloud.js")

/** `maxcloud dev`: the time from saving a file until the new code responds, compared with the app's own start. */
export const devBenchmark: Benchmark = {
  name: "dev",
  run: async () => {
    const app = makeExampleApp()
    writeFileSync(
      join(app.folder, "app.yaml"),
      "apiVersion: maxcloud.dev/v1\napp: app\nservices:\n  - name: app\n    source: .\n"
    )
    const port = await freePort()
    let version = 1
    const host = `app--app--dev--local.localhost:${port}`
    const rows = await whenItSays(
      [
        maxcloud,
        "dev",
        "--config",
        join(app.folder, "app.yaml"),
        "--port",
        String(port),
        "--data-dir",
        join(app.folder, ".maxcloud")
      ],
      /http:\/\/app--/,
      async () => {
        await secondsUntil(async () => (await ask(port, host)) === "1")
        const saved = () => {
          version += 1
          const wanted = String(version)
          app.writeVersion(wanted)
          return secondsUntil(async () => (await ask(port, host)) === wanted)
        }
        const [ours = Number.NaN, peer = Number.NaN] = await interleaved(7, [saved, () => ownStart(app.folder)])
        return [
          {
            work: "`dev`: saved file to new code answering",
            ours: seconds(ours),
            peer: `the app's own start ${seconds(peer)}`,
            ratio: `+ ${seconds(ours - peer)}`,
            goal: "≤ its start + 0.7 s"
          }
        ]
      }
    )
    app.remove()
    return rows
  }
}

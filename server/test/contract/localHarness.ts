import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../freePort.ts"
import { buildGoProgram } from "../images/goProgram.ts"
import { startTestRegistry } from "../registry/testRegistry.ts"
import { processesWith, ServerProcess } from "../serverProcess.ts"
import type { Harness } from "./Harness.ts"

const serviceOf = (pid: number) =>
  /(?:^|\0)K_SERVICE=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, "utf8"))?.[1] ?? "unknown"

/** The workload as processes of this machine, from a source. */
export const startLocalHarness = async (): Promise<Harness> => {
  const [program, registry, port] = await Promise.all([buildGoProgram("workload"), startTestRegistry(), freePort()])
  const source = mkdtempSync(join(tmpdir(), "maxcloud-workload-"))
  chmodSync(source, 0o755)
  writeFileSync(join(source, "package.json"), JSON.stringify({ name: "workload" }))
  writeFileSync(join(source, "workload"), program)
  chmodSync(join(source, "workload"), 0o755)
  const server = new ServerProcess(port, {
    MAXCLOUD_RUNTIME: "local",
    MAXCLOUD_INSECURE_REGISTRIES: registry.host,
    ...registry.environment
  })
  await server.start()
  return {
    server,
    workload: { source, command: ["./workload"] },
    looksUpImages: true,
    missingImage: `${registry.host}/nobody-has-this:1`,
    ingress: new URL(server.url),
    servesAlone: false,
    leftovers: async (app) =>
      processesWith(`CONTRACT_APP=${app}\0`).map((pid) => `process ${pid} of ${serviceOf(pid)}`),
    close: async () => {
      await server.end("SIGTERM")
      await registry[Symbol.asyncDispose]()
      server.remove()
      rmSync(source, { recursive: true, force: true })
    }
  }
}

import { mkdtemp, readdir, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { ManagedRuntime } from "effect"
import { LogStore } from "./LogStore.ts"

it("accepts 1 GB of output in flat memory and within its limit on disk", { timeout: 300_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "maxcloud-logs-"))
  const runtime = ManagedRuntime.make(LogStore.layer({ directory }))
  const store = await runtime.runPromise(LogStore)
  const organizationId = OrganizationId.make(`org_${"a".repeat(32)}`)
  const source = { organizationId, namespace: "local", service: "api", revision: "api-00001", instance: "a" }
  const writer = store.writer(source)
  const chunks = [
    Buffer.alloc(64 * 1024, "\r"),
    Buffer.alloc(64 * 1024, "long "),
    Buffer.from(Array.from({ length: 64 * 1024 }, (_, i) => (i * 31) & 0xff)),
    Buffer.from(`${"line of usual length, as most programs write them\n".repeat(1_300)}`)
  ]
  const folder = join(directory, organizationId, "local", "api")
  const sizeOnDisk = async () => {
    const names = await readdir(folder).catch(() => [])
    const sizes = await Promise.all(
      names.map((name) =>
        stat(join(folder, name))
          .then((found) => found.size)
          .catch(() => 0)
      )
    )
    return sizes.reduce((a, b) => a + b, 0)
  }
  const resident: Array<number> = []
  for (let written = 0, i = 0; written < 2 ** 30; i++) {
    const chunk = chunks[Math.trunc(i / 160) % chunks.length] ?? Buffer.alloc(0)
    writer.write(i % 2 === 0 ? "stdout" : "stderr", chunk)
    written += chunk.length
    if (i % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
    if (i % 256 === 0) {
      resident.push(process.memoryUsage().rss)
      expect(await sizeOnDisk()).toBeLessThanOrEqual(20 * 2 ** 20)
    }
  }
  await writer.close()
  const warm = resident[Math.trunc(resident.length / 8)] ?? 0
  expect(Math.max(...resident) - warm).toBeLessThan(100 * 2 ** 20)
  await runtime.dispose()
  await rm(directory, { recursive: true, force: true })
})

import { mkdtemp, readdir, rm, stat, utimes } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { ManagedRuntime, Stream } from "effect"
import fc from "fast-check"
import { LogStore } from "./LogStore.ts"

const acme = OrganizationId.make(`org_${"a".repeat(32)}`)
const other = OrganizationId.make(`org_${"b".repeat(32)}`)

let directory: string
const runtimes: Array<{ readonly dispose: () => Promise<void> }> = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "log-quota-"))
})
afterEach(async () => {
  for (const runtime of runtimes.splice(0)) await runtime.dispose()
  await rm(directory, { recursive: true, force: true })
})

const open = async (quotaOf: (organizationId: OrganizationId) => number | null, where = directory) => {
  const runtime = ManagedRuntime.make(LogStore.layer({ directory: where, maxBytesPerService: 64 * 1024, quotaOf }))
  runtimes.push(runtime)
  const store = await runtime.runPromise(LogStore)
  return {
    store,
    writer: (service: string, organizationId = acme) =>
      store.writer({ organizationId, namespace: "n", service, revision: `${service}-00001`, instance: "i" }),
    bytes: (organizationId = acme) => runtime.runPromise(store.bytes(organizationId)),
    lines: async (service: string, organizationId = acme) =>
      [
        ...(await runtime.runPromise(
          Stream.runCollect(
            store.read({
              key: {
                organizationId,
                organization: OrganizationName.make("acme"),
                app: AppName.make("shop"),
                stage: StageName.make("production"),
                namespace: "n",
                service: ServiceName.make(service)
              },
              follow: false,
              since: undefined,
              revision: undefined,
              tail: undefined,
              after: undefined
            })
          )
        ))
      ].map((line) => line.line),
    remove: (service: string) => runtime.runPromise(store.remove({ organizationId: acme, namespace: "n", service }))
  }
}

const onDisk = async (folder: string): Promise<number> => {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size
  }
  return bytes
}
const text = (nth: number, length: number) => Buffer.from(`${String(nth).padStart(6, "0")} ${"x".repeat(length)}\n`)

describe("log lines of an organization", () => {
  it("never exceed the quota on disk, for twenty services writing at once; each keeps its newest", async () => {
    const quota = 400_000
    const { bytes, lines, writer } = await open((id) => (id === acme ? quota : null))
    const elsewhere = writer("web", other)
    elsewhere.write("stdout", text(0, 100))
    await elsewhere.close()
    const writers = Array.from({ length: 20 }, (_, nth) => writer(`s${nth}`))
    let most = 0
    for (let nth = 0; nth < 40; nth++) {
      for (const each of writers) for (let line = 0; line < 10; line++) each.write("stdout", text(nth * 10 + line, 200))
      // Reading waits until everything received is written.
      await Promise.all(writers.map((_, service) => lines(`s${service}`)))
      most = Math.max(most, await onDisk(join(directory, acme)))
    }
    await Promise.all(writers.map((writer) => writer.close()))
    expect(most).toBeLessThanOrEqual(quota)
    // The quota is fully used, not halved for safety.
    expect(most).toBeGreaterThan(quota / 2)
    expect(await bytes()).toBe(await onDisk(join(directory, acme)))
    for (let service = 0; service < 20; service++) expect((await lines(`s${service}`)).at(-1)).toMatch(/^000399 /)
    expect(await lines("web", other)).toHaveLength(1)
  })

  it("are deleted oldest first, whichever service they belong to, also after a restart", async () => {
    const first = await open(() => null)
    for (const service of ["old", "new"]) {
      const writer = first.writer(service)
      for (let nth = 0; nth < 50; nth++) writer.write("stdout", text(nth, 100))
      await writer.close()
    }
    await runtimes.pop()?.dispose()
    const [file = ""] = await readdir(join(directory, acme, "n", "old"))
    await utimes(join(directory, acme, "n", "old", file), 1_000_000, 1_000_000)
    const before = await onDisk(directory)
    const { bytes, lines, writer } = await open(() => before)
    expect(await bytes()).toBe(before)
    const third = writer("third")
    third.write("stdout", text(0, 100))
    await third.close()
    expect(await lines("old")).toEqual([])
    expect(await lines("new")).toHaveLength(50)
    expect(await lines("third")).toHaveLength(1)
    // Its writer starts again, after everything that was there.
    const again = writer("old")
    again.write("stdout", text(7, 10))
    await again.close()
    expect(await lines("old")).toHaveLength(1)
    expect(await bytes()).toBe(await onDisk(directory))
  })

  it("are deleted when a line arrives after the quota was lowered, and don't count once removed", async () => {
    let quota: number | null = null
    const { bytes, lines, remove, writer } = await open(() => quota)
    const [a, b] = [writer("a"), writer("b")]
    for (let nth = 0; nth < 300; nth++) for (const each of [a, b]) each.write("stdout", text(nth, 100))
    await Promise.all([lines("a"), lines("b")])
    expect(await onDisk(directory)).toBeGreaterThan(30_000)
    quota = 30_000
    b.write("stdout", text(300, 100))
    expect((await lines("b")).at(-1)).toMatch(/^000300 /)
    expect(await onDisk(directory)).toBeLessThanOrEqual(quota)
    await Promise.all([a.close(), b.close()])
    await remove("a")
    await remove("b")
    expect(await bytes()).toBe(0)
  })

  it("are counted as they are on disk, whatever services write, rotate, end, return and are removed", async () => {
    const step = fc.record({
      service: fc.integer({ min: 0, max: 4 }),
      what: fc.constantFrom("write", "write", "write", "close", "remove", "quota"),
      lines: fc.integer({ min: 1, max: 60 }),
      length: fc.integer({ min: 1, max: 400 })
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const where = await mkdtemp(join(directory, "run-"))
        let quota = 200_000
        const { bytes, lines, remove, writer } = await open(() => quota, where)
        const writers = new Map<number, ReturnType<typeof writer>>()
        for (const { length, lines: count, service, what } of steps) {
          const name = `s${service}`
          if (what === "write") {
            const to = writers.get(service) ?? writer(name)
            writers.set(service, to)
            for (let nth = 0; nth < count; nth++) to.write("stdout", text(nth, length))
            // Don't wait for it: the next ones write at the same time.
          } else if (what === "quota") quota = count * 4_000
          else {
            await writers.get(service)?.close()
            writers.delete(service)
            if (what === "remove") await remove(name)
          }
        }
        await Promise.all([0, 1, 2, 3, 4].map((value) => lines(`s${value}`)))
        const last = writer("last")
        last.write("stdout", text(0, 1))
        await last.close()
        for (const each of writers.values()) await each.close()
        expect(await bytes()).toBe(await onDisk(where))
        expect(await bytes()).toBeLessThanOrEqual(quota + 6 * 1_000)
        await runtimes.pop()?.dispose()
      }),
      { numRuns: 100 }
    )
  })
})

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { Effect, Exit, Layer, ManagedRuntime, Scope } from "effect"
import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { newOrganization, testServer } from "../../../test/deployments/testServer.ts"
import { Deployments } from "../../control/deployments/Deployments.ts"
import { operator } from "./commands.ts"

const scope = Effect.runSync(Scope.make())
const dataDir = Effect.runSync(Scope.extend(madeDataDir, scope))
const server = ManagedRuntime.make(
  Layer.unwrapScoped(
    Effect.map(makeFakeRuntime, (fake) =>
      testServer(fake.layer, dataDir, { resyncMs: 60_000 }).pipe(Layer.provideMerge(databaseTest({ dataDir })))
    )
  )
)
beforeAll(() => server.runPromise(Effect.void), 60_000)
afterAll(() => server.dispose().then(() => Effect.runPromise(Scope.close(scope, Exit.void))))

const digest = (letter: string) => letter.repeat(64)
/** An organization's folders, as builds leave them. */
const fill = (id: string) => {
  const own = join(dataDir, "sources", id)
  const write = (path: string, text: string) => {
    mkdirSync(join(own, path, ".."), { recursive: true })
    writeFileSync(join(own, path), text)
  }
  write(`archives/${digest("a")}.tar.gz`, "archive")
  write(`built/${digest("a")}/0123/app/index.js`, "a".repeat(10))
  write(`built/${digest("b")}/0123/app/index.js`, "b".repeat(20))
  write("dependencies/key/dep/index.js", "d".repeat(30))
  for (const ending of ["json", "bytes", "files"]) write(`dependencies/key.${ending}`, "")
  write("damaged/2026-01-01-built-x/app/index.js", "x".repeat(40))
  return own
}

describe("the cache", () => {
  it("is listed, and cleared of everything no service runs from, while the server runs", async () => {
    const acme = await server.runPromise(newOrganization)
    const other = await server.runPromise(newOrganization)
    const [own, foreign] = [fill(acme.id), fill(other.id)]
    await server.runPromise(
      Effect.flatMap(Deployments, (deployments) =>
        deployments.accept({
          organization: acme,
          app: AppName.make("shop"),
          stage: StageName.make("production"),
          from: {
            spec: { app: "shop", services: [{ name: "web", image: "ready:1", env: { RUNS: `sha256:${digest("a")}` } }] }
          }
        })
      )
    )
    const listed = await operator.listCache({ dataDir, organization: acme.name })
    expect(listed.ok && listed.value.map(({ bytes, inUse, kind }) => [kind, bytes, inUse])).toEqual([
      ["damaged", 40, false],
      ["dependencies", 30, false],
      ["built", 20, false],
      ["built", 10, true]
    ])
    expect(listed.ok && listed.value.every((each) => each.organization.name === acme.name && !("path" in each))).toBe(
      true
    )

    const cleared = await operator.clearCache({ dataDir, organization: acme.name })
    expect(cleared.ok && [cleared.value.removed.length, cleared.value.kept.map((each) => each.name)]).toEqual([
      3,
      [`${digest("a")}/0123`]
    ])
    expect(existsSync(join(own, `archives/${digest("a")}.tar.gz`))).toBe(true)
    expect(existsSync(join(own, `built/${digest("a")}/0123/app/index.js`))).toBe(true)
    expect(existsSync(join(own, `built/${digest("b")}/0123`))).toBe(false)
    expect(["dependencies", "damaged", "unfinished"].flatMap((name) => readdirSync(join(own, name)))).toEqual([])
    expect(readdirSync(join(foreign, "dependencies"))).toHaveLength(4)

    // A build is running.
    mkdirSync(join(foreign, "unfinished/0123"), { recursive: true })
    const busy = await operator.clearCache({ dataDir })
    expect(busy.ok && busy.value.removed.map((object) => object.kind)).toEqual(["damaged"])
  })

  it("doesn't follow links: their targets stay", async () => {
    const linked = await server.runPromise(newOrganization)
    const outside = await server.runPromise(newOrganization)
    const own = fill(linked.id)
    const victim = mkdtempSync(join(dataDir, "victim-"))
    mkdirSync(join(victim, digest("c"), "0123"), { recursive: true })
    for (const kind of ["built", "damaged", "dependencies"]) {
      rmSync(join(own, kind), { recursive: true })
      symlinkSync(victim, join(own, kind))
    }
    mkdirSync(join(victim, "damaged/kept"), { recursive: true })
    symlinkSync(victim, join(dataDir, "sources", outside.id))
    for (const { name } of [linked, outside]) {
      expect(await operator.clearCache({ dataDir, organization: name })).toMatchObject({
        ok: true,
        value: { removed: [] }
      })
    }
    expect(existsSync(join(victim, digest("c"), "0123"))).toBe(true)
    expect(existsSync(join(victim, "damaged/kept"))).toBe(true)
  })

  it("lists the existing names for an unknown organization", async () => {
    expect(await operator.clearCache({ dataDir, organization: "nobody" })).toMatchObject({
      ok: false,
      reason: "organization",
      message: `The organization "nobody" doesn't exist.`
    })
  })
})

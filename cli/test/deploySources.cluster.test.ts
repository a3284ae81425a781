import { chmodSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { startWiredServer, type WiredServer } from "../../server/test/cluster/wiredServer.ts"
import { describeCluster } from "../../server/test/kubeApi/testCluster.ts"
import { missingTools } from "../../server/test/registry/missingTools.ts"
import { type OwnRegistry, planOwnRegistry, startOwnRegistry } from "../../server/test/registry/ownRegistry.ts"
import { run } from "./cli.ts"
import { startBases, writeFiles } from "./sourceApp.ts"

const config = (app: string) => `app: ${app}
services:
  - name: web
    source: { path: ./web }
    cpu: 20m
    memory: 96Mi
    scale: { min: 1, max: 1 }
`
const express = (text: string) => ({
  "express/maxcloud.config.yaml": config("express"),
  "express/web/package.json":
    '{"name":"web","version":"1.0.0","scripts":{"start":"node a.js"},"dependencies":{"express":"5.1.0"}}',
  "express/web/a.js": `require("express")().get("/", (_, to) => to.send("${text}")).listen(process.env.PORT)`
})
const vite = {
  "vite/maxcloud.config.yaml": config("vite"),
  "vite/web/package.json": '{"type":"module","scripts":{"build":"vite build"},"devDependencies":{"vite":"7.1.0"}}',
  "vite/web/index.html": '<!doctype html><title>vite</title><script type="module" src="/src/main.js"></script>',
  "vite/web/src/main.js": "console.log('vite')"
}

describeCluster("sources on a cluster (KUBECONFIG)", () => {
  const missing = missingTools("sources on a cluster", "skopeo", "docker-registry", "busybox")
  let wired: WiredServer
  let registry: OwnRegistry
  let bases: Awaited<ReturnType<typeof startBases>>
  const folder = temporaryFolder("cluster-sources-")
  const cache = join(folder, "cache")

  const maxcloud = (at: string, ...args: ReadonlyArray<string>) =>
    run(args, {
      cwd: join(folder, at),
      env: { MAXCLOUD_API_URL: wired.server.url, MAXCLOUD_BUILD_BASE: bases.image, XDG_CACHE_HOME: cache }
    })

  beforeAll(async () => {
    if (missing.length > 0) return
    chmodSync(folder, 0o711)
    mkdirSync(cache, { mode: 0o711 })
    const plan = await planOwnRegistry()
    bases = await startBases()
    wired = await startWiredServer("sources", plan.settings)
    registry = await startOwnRegistry(plan, wired.server.url)
    writeFiles(folder, { ...express("one"), ...vite })
  }, 180_000)
  afterAll(async () => {
    await wired?.close()
    await registry?.[Symbol.asyncDispose]()
    await bases?.[Symbol.asyncDispose]()
  }, 60_000)

  it.skipIf(missing.length > 0)(
    "are planned, built, pushed and run, and a changed line sends the code alone",
    async () => {
      const planned = await maxcloud("express", "plan")
      expect(planned.code, planned.stderr).toBe(0)
      expect(planned.stdout).toMatch(/built on this machine, based on \S+\/base\/node:24, and pushed to \S+\/express$/m)

      const first = await maxcloud(".", "deploy", "--all")
      expect(first.code, first.stderr).toBe(0)
      const services = await wired.server.client.services.list()
      expect(services.map(({ app, status }) => [app, status.state]).sort()).toEqual([
        ["express", "ready"],
        ["vite", "ready"]
      ])

      const again = await maxcloud("express", "deploy")
      expect(again.code, again.stderr).toBe(0)
      expect(again.stderr).not.toMatch(/building|pushing/)
      const unchanged = await maxcloud("express", "plan", "--exit-code")
      expect(unchanged.code, unchanged.stdout + unchanged.stderr).toBe(0)

      writeFiles(folder, express("two"))
      const changed = await maxcloud("express", "deploy", "--detach")
      expect(changed.code, changed.stderr).toBe(0)
      // The code, the image's configuration and the two documents about it. Base and dependencies are there.
      expect(changed.stderr).toMatch(/^4 layers pushed \([\d.]+ [Ki]*B\), 3 existed already$/m)

      const sdk = wired.server.client.deploy(join(folder, "express/maxcloud.config.yaml"))
      await expect(sdk).rejects.toMatchObject({
        _tag: "InvalidSpec",
        errors: [{ detail: expect.stringMatching(/^BuilderMissing: .*`maxcloud deploy`/) }]
      })
    },
    600_000
  )
})

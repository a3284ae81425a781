import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { testKey } from "../../../../test/local/testRuntime.ts"
import { openLink } from "../../../base/proxy/makeFront.ts"
import type { ContainerHost } from "../instances/Instance.ts"
import { makeLinks } from "../revisions/Links.ts"

const caller = { organizationId: testKey().organizationId, namespace: "local", service: "web" }

const linksWith = (containers: ContainerHost | undefined) => {
  const ports = new Map<string, number>()
  const links = makeLinks({
    open: openLink,
    containerHost: () => Effect.succeed(containers),
    routeOf: () => undefined,
    mayCall: (_, callee) => callee.namespace === "billing",
    portOf: (callee, network) => ports.get(`${callee.service} ${network}`),
    onPort: (callee, network, port) => ports.set(`${callee.service} ${network}`, port)
  })
  const rewrite = (kind: "image" | "directory", value: string) => Effect.runPromise(links.rewrite(caller, kind, value))
  return { links, ports, rewrite }
}

describe("Links", () => {
  it("puts one address in the place of each cluster-local host of the namespace, and of no other", async () => {
    const { links, ports, rewrite } = linksWith(undefined)
    const written =
      "http://api.local.svc.cluster.local:80/x,api.local.svc.cluster.local,http://api.other.svc.cluster.local,db.local.svc.cluster.localhost"
    const port = await rewrite("directory", "api.local.svc.cluster.local").then((text) => text.split(":")[1])
    assert.strictEqual(
      await rewrite("directory", written),
      `http://127.0.0.1:${port}/x,127.0.0.1:${port},http://api.other.svc.cluster.local,db.local.svc.cluster.localhost`
    )
    assert.deepStrictEqual([...ports.keys()], ["api loopback"])
    assert.strictEqual((await fetch(`http://127.0.0.1:${port}/`)).status, 503)

    await links.closeAll()
    assert.strictEqual(await rewrite("directory", "api.local.svc.cluster.local"), `127.0.0.1:${port}`)
    await links.closeAll()
  })

  it("reaches a service of another namespace only if it may call it, and never confuses the two", async () => {
    const { links, rewrite } = linksWith(undefined)
    const hosts = ["api.local", "api.billing", "api.other"].map((name) => `${name}.svc.cluster.local`)
    const [own, billing, other] = (await rewrite("directory", hosts.join(","))).split(",")
    assert.match(own ?? "", /^127\.0\.0\.1:\d+$/)
    assert.match(billing ?? "", /^127\.0\.0\.1:\d+$/)
    assert.notStrictEqual(own, billing)
    assert.strictEqual(other, hosts[2])
    await links.closeAll()
  })

  it("reads each character of a value a few times, whatever it is made of", async () => {
    const { links, rewrite } = linksWith(undefined)
    for (const part of ["a-", "a.", "-a", "a.a-", "-", "a.local.", "a.local.svc.cluster.localx"]) {
      const value = part.repeat(Math.floor(32_760 / part.length))
      const start = performance.now()
      assert.strictEqual(await rewrite("image", value), value)
      // From every `\b` on it was over a second, on a machine that has nothing else to do.
      assert.isBelow(performance.now() - start, 500, part)
    }
    await links.closeAll()
  })

  it("leaves hosts whose name only ends like a service's, and keeps dashes before a name", async () => {
    const { links, ports, rewrite } = linksWith(undefined)
    for (const other of [
      "9-api.local.svc.cluster.local",
      "X-api.local.svc.cluster.local",
      "_api.local.svc.cluster.local"
    ]) {
      assert.strictEqual(await rewrite("directory", other), other)
    }
    const written = await rewrite("directory", "$" + "{API:-api.local.svc.cluster.local}")
    assert.strictEqual(written, "$" + `{API:-127.0.0.1:${ports.get("api loopback")}}`)
    await links.closeAll()
  })

  it("takes another port where the old one is taken by now", async () => {
    const first = linksWith(undefined)
    const taken = await first.rewrite("directory", "api.local.svc.cluster.local")
    const second = linksWith(undefined)
    second.ports.set("api loopback", Number(taken.split(":")[1]))
    assert.notStrictEqual(await second.rewrite("directory", "api.local.svc.cluster.local"), taken)
    await first.links.closeAll()
    await second.links.closeAll()
  })

  it("listens for containers where they reach this machine, and hangs up on others", async () => {
    const host: ContainerHost = {
      address: "bridge.test",
      bind: () => "127.0.0.2",
      accepts: (text) => !text.endsWith("127.0.0.1")
    }
    const { links, ports, rewrite } = linksWith(host)
    const address = await rewrite("image", "api.local.svc.cluster.local")
    assert.strictEqual(address, `bridge.test:${ports.get("api containers")}`)
    const url = `http://127.0.0.2:${ports.get("api containers")}/`
    const answer = await fetch(url).then(
      (found) => found.status,
      () => "hung up"
    )
    assert.strictEqual(answer, "hung up")
    await links.closeAll()
  })
})

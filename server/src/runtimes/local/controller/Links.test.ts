import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { cpuClock } from "../../../../../config-schema/test/cpuClock.ts"
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
  it("replaces each cluster-local host of the namespace with one address, and no other host", async () => {
    const { links, ports, rewrite } = linksWith(undefined)
    const written =
      "http://api.local.svc.cluster.local:80/x,api.local.svc.cluster.local,http://api.other.svc.cluster.local,db.local.svc.cluster.localhost"
    const port = await rewrite("directory", "api.local.svc.cluster.local").then((text) => text.split(":")[1])
    expect(await rewrite("directory", written)).toBe(
      `http://127.0.0.1:${port}/x,127.0.0.1:${port},http://api.other.svc.cluster.local,db.local.svc.cluster.localhost`
    )
    expect([...ports.keys()]).toStrictEqual(["api loopback"])
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(503)

    await links.closeAll()
    expect(await rewrite("directory", "api.local.svc.cluster.local")).toBe(`127.0.0.1:${port}`)
    await links.closeAll()
  })

  it("reaches a service of another namespace only if it may call it, and never confuses the two", async () => {
    const { links, rewrite } = linksWith(undefined)
    const hosts = ["api.local", "api.billing", "api.other"].map((name) => `${name}.svc.cluster.local`)
    const [own, billing, other] = (await rewrite("directory", hosts.join(","))).split(",")
    expect(own ?? "").toMatch(/^127\.0\.0\.1:\d+$/)
    expect(billing ?? "").toMatch(/^127\.0\.0\.1:\d+$/)
    expect(own).not.toBe(billing)
    expect(other).toBe(hosts[2])
    await links.closeAll()
  })

  it("reads each character of a value only a few times, whatever the value contains", async () => {
    const { links, rewrite } = linksWith(undefined)
    for (const part of ["a-", "a.", "-a", "a.a-", "-", "a.local.", "a.local.svc.cluster.localx"]) {
      const value = part.repeat(Math.floor(32_760 / part.length))
      const spent = cpuClock()
      expect(await rewrite("image", value)).toBe(value)
      // With a pattern that rescans from every `\b`, this took over a second.
      expect(spent(), part).toBeLessThan(500)
    }
    await links.closeAll()
  })

  it("leaves hosts alone whose name only ends like a service's, and keeps dashes before a name", async () => {
    const { links, ports, rewrite } = linksWith(undefined)
    for (const other of [
      "9-api.local.svc.cluster.local",
      "X-api.local.svc.cluster.local",
      "_api.local.svc.cluster.local"
    ]) {
      expect(await rewrite("directory", other)).toBe(other)
    }
    const written = await rewrite("directory", "$" + "{API:-api.local.svc.cluster.local}")
    expect(written).toBe("$" + `{API:-127.0.0.1:${ports.get("api loopback")}}`)
    await links.closeAll()
  })

  it("uses another port if the old one is taken", async () => {
    const first = linksWith(undefined)
    const taken = await first.rewrite("directory", "api.local.svc.cluster.local")
    const second = linksWith(undefined)
    second.ports.set("api loopback", Number(taken.split(":")[1]))
    expect(await second.rewrite("directory", "api.local.svc.cluster.local")).not.toBe(taken)
    await first.links.closeAll()
    await second.links.closeAll()
  })

  it("listens for containers on the address where they reach this machine, and hangs up on others", async () => {
    const host: ContainerHost = {
      address: "bridge.test",
      bind: () => "127.0.0.2",
      accepts: (text) => !text.endsWith("127.0.0.1")
    }
    const { links, ports, rewrite } = linksWith(host)
    const address = await rewrite("image", "api.local.svc.cluster.local")
    expect(address).toBe(`bridge.test:${ports.get("api containers")}`)
    const url = `http://127.0.0.2:${ports.get("api containers")}/`
    const answer = await fetch(url).then(
      (found) => found.status,
      () => "hung up"
    )
    expect(answer).toBe("hung up")
    await links.closeAll()
  })
})

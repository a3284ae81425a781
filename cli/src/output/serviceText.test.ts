import { describe, expect, it } from "@effect/vitest"
import { encodeAppSpec, parseAppSpec } from "@maxcloud/config-schema"
import { Either } from "effect"
import { envSource, serviceJson, settingRows } from "./serviceText.ts"

const specOf = (service: object) => {
  const spec = Either.getOrThrow(
    parseAppSpec({
      app: "shop",
      services: [
        { name: "web", image: "nginx:1", ...service },
        { name: "api", image: "a:1" }
      ]
    })
  )
  const [web] = encodeAppSpec(spec).services
  if (web === undefined) throw new Error("no service")
  return web
}
const rows = (service: object, hasOwnPorts = false) =>
  Object.fromEntries(settingRows(specOf(service), hasOwnPorts).map(([name, value]) => [name, value]))

describe("settings", () => {
  it("are shown with their defaults", () => {
    expect(rows({ port: 3999 }, true)["port"]).toBe("PORT, a different one for each instance (3999 on Kubernetes)")
    expect(rows({})).toEqual({
      visibility: "public",
      port: "8080",
      scale: "0 to 10 instances, 80 requests at a time each; an instance stops after 1m without requests",
      resources: "1 vCPU, 512Mi of memory",
      timeout: "5m per request",
      grace: "30s from SIGTERM to SIGKILL",
      readiness: "TCP connection to the port",
      egress: "internet"
    })
  })

  it("are shown as the config writes them", () => {
    expect(
      rows({
        port: "auto",
        protocol: "h2c",
        cpu: "250m",
        memory: "1Gi",
        timeout: "90s",
        drain: "20s",
        grace: "5s",
        scale: { min: 2, max: 2, concurrency: 5, maxConcurrency: 9, idle: "30s" },
        probes: {
          readiness: { path: "/healthz", period: "5s", initialDelay: "3s" },
          liveness: { failureThreshold: 5 }
        },
        links: ["api"],
        egress: ["203.0.113.0/24"]
      })
    ).toEqual({
      visibility: "public",
      port: "auto (h2c)",
      scale: "2 instances, 5 requests at a time each, at most 9; an instance stops after 30s without requests",
      resources: "250m, 1Gi of memory",
      timeout: "90s per request",
      drain: "20s for open requests",
      grace: "5s from SIGTERM to SIGKILL",
      readiness: "GET /healthz every 5s within 1s, 3 failures, first after 3s",
      liveness: "TCP connection every 10s within 1s, 5 failures",
      links: "api",
      egress: "203.0.113.0/24"
    })
  })
})

describe("the environment", () => {
  const spec = specOf({
    env: {
      PLAIN: "hunter2",
      TOKEN: { secret: "TOKEN" },
      API: { service: "api", property: "url" },
      DSN: { join: ["postgres://hunter2:", { secret: "PASSWORD" }, "@", { service: "api", property: "host" }] }
    }
  })

  it("is shown by the origin of its values", () => {
    expect(Object.entries(spec.env ?? {}).map(([name, value]) => [name, envSource(value)])).toEqual([
      ["PLAIN", "text"],
      ["TOKEN", "secret TOKEN"],
      ["API", "url of api"],
      ["DSN", "text, secret PASSWORD, host of api"]
    ])
  })

  it("has no value in JSON either", () => {
    expect(JSON.stringify(serviceJson({ spec }))).not.toContain("hunter2")
    expect(serviceJson({ spec }).spec.env["PLAIN"]).toBe(null)
  })
})

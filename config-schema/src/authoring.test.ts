import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import { defineConfig, encodeAppSpec, evaluateConfig, isConfig, parseAppSpec, secret, service, text } from "./index.ts"

const stage = { stage: "production", organization: "acme", runtime: "kubernetes", git: undefined } as const
const specOf = async (config: Parameters<typeof evaluateConfig>[0]) =>
  encodeAppSpec(Either.getOrThrow(parseAppSpec((await evaluateConfig(config, stage)).spec)))

describe("defineConfig", () => {
  it("produces plain data that parses, with links by name", async () => {
    const config = defineConfig(({ stage }) => {
      const api = service("api", { source: "./api", env: { STAGE: stage, DATABASE_URL: secret("DATABASE_URL") } })
      const url = text`${api.url}/v1?key=${secret("KEY")}&n=${3}`
      return { app: "shop", services: [api, service("web", { image: "nginx", env: { API: url }, links: [api] })] }
    })
    expect(isConfig(config)).toBe(true)
    const { locations, spec } = await evaluateConfig(config, stage)
    expect(spec).toMatchObject({ app: "shop" })
    expect((await specOf(config)).services[1]).toMatchObject({
      name: "web",
      image: "nginx",
      env: { API: { join: [{ service: "api", property: "url" }, "/v1?key=", { secret: "KEY" }, "&n=", "3"] } },
      links: ["api"]
    })
    expect(Either.flip(parseAppSpec(spec)).pipe(Either.getOrElse(() => []))).toStrictEqual([])
    expect(locations[0]?.file ?? "").toMatch(/authoring\.test\.ts$/)
  })

  it("leaves false, null and undefined out of lists", async () => {
    const worker = service("worker", { image: "nginx" })
    const config = defineConfig(({ stage }) => {
      const isProduction = stage === "production"
      const web = service("web", {
        image: "nginx",
        args: [!isProduction && "--debug", "--port"],
        links: [isProduction ? worker : undefined, !isProduction && worker],
        egress: [isProduction ? null : "10.0.0.0/8", "203.0.113.0/24"]
      })
      return { app: "shop", services: [!isProduction && worker, web, null, worker, undefined] }
    })
    const { locations } = await evaluateConfig(config, stage)
    const { services } = await specOf(config)
    expect(services.map((each) => String(each.name))).toStrictEqual(["web", "worker"])
    expect(services[0]).toMatchObject({ args: ["--port"], links: ["worker"], egress: ["203.0.113.0/24"] })
    expect(locations[0]?.kept).toStrictEqual({ args: [1], links: [0], egress: [1] })
    // @ts-expect-error 0 isn't left out, so it is a mistake
    await rejects(defineConfig({ app: "x", services: [0, worker] }), /services\[0\] isn't a service created by/)
    // @ts-expect-error nor is an empty text
    await rejects(defineConfig({ app: "x", services: [worker, ""] }), /services\[1\] isn't a service created by/)
  })

  it("passes the stage, the organization, the runtime and git's state to the function", async () => {
    const git = { branch: "main", commit: "0".repeat(40), dirty: false }
    const config = defineConfig((context) => ({
      app: context.organization,
      services: [service("web", { image: "nginx", env: { GIT: context.git?.branch ?? "", RUNTIME: context.runtime } })]
    }))
    const { spec } = await evaluateConfig(config, { ...stage, git })
    expect(spec).toMatchObject({ app: "acme" })
    expect(Either.getOrThrow(parseAppSpec(spec)).services[0]?.env).toStrictEqual({
      GIT: "main",
      RUNTIME: "kubernetes"
    })
  })

  const rejects = async (config: Parameters<typeof evaluateConfig>[0], message: RegExp) => {
    const error = await evaluateConfig(config, stage).then(
      () => undefined,
      (found: unknown) => found
    )
    expect(String(error)).toMatch(message)
  }

  it("refuses a reference in a plain template", async () => {
    const config = defineConfig(() => ({
      app: "x",
      services: [service("a", { image: "nginx", env: { A: `${secret("B")}` } })]
    }))
    await rejects(config, /secret\("B"\) is a reference, which is resolved when the service runs: write text`/)
  })

  it("rejects values that aren't an app, a service or a link", async () => {
    // @ts-expect-error a function that returns nothing
    const noApp = defineConfig(() => undefined)
    await rejects(noApp, /doesn't return an app/)
    // @ts-expect-error a service that service(…) didn't create
    const noService = defineConfig({ app: "x", services: [{ name: "a" }] })
    await rejects(noService, /services\[0\] isn't a service created by/)
    const api = service("api", { image: "nginx" })
    // @ts-expect-error a field added to a copy
    const copied = defineConfig({ app: "x", services: [{ ...api, env: { A: "b" } }] })
    await rejects(
      copied,
      /services\[0\] is a copy of service\("api"\) with "env" added, .*write service\("api", \{ env: … \}\)/
    )
    // @ts-expect-error a link by name
    const byName = service("a", { image: "nginx", links: ["b"] })
    await rejects(defineConfig({ app: "x", services: [byName] }), /links of service\("a"\)/)
  })
})

/** Code that must not compile: checked by `tsc`, never run. */
export const mistakes = () => {
  const api = service("api", { image: "nginx" })
  const name: "api" = api.name
  return [
    name,
    service("a", { image: "nginx", memory: "1Gi", cpu: "500m", timeout: "5m", scale: { idle: "30s" } }),
    service("a", { image: "nginx", files: { "/etc/key": secret("KEY") }, probes: { liveness: { path: "/healthz" } } }),
    // @ts-expect-error a misspelled key
    service("a", { image: "nginx", scal: { min: 0 } }),
    // @ts-expect-error a misspelled key inside
    service("a", { image: "nginx", scale: { mim: 0 } }),
    // @ts-expect-error an impossible unit of memory
    service("a", { image: "nginx", memory: "5x" }),
    // @ts-expect-error an impossible amount of CPU
    service("a", { image: "nginx", cpu: "lots" }),
    // @ts-expect-error a duration without its unit
    service("a", { image: "nginx", timeout: "5" }),
    service("a", { image: "nginx", env: { PORT: "80" } }),
    // @ts-expect-error PORT is the service's port
    service("a", { image: "nginx", env: { PORT: "web" } }),
    service("a", { image: "nginx", env: { N: 3, DEBUG: true } }),
    // @ts-expect-error an object isn't a value
    service("a", { image: "nginx", env: { N: { a: 3 } } }),
    // @ts-expect-error a service isn't a value, but its url is
    service("a", { image: "nginx", env: { API: api } }),
    // @ts-expect-error a reference that services don't have
    service("a", { image: "nginx", env: { API: api.uri } }),
    // @ts-expect-error image and source
    service("a", { image: "nginx", source: "./a" }),
    // @ts-expect-error neither image nor source
    service("a", { port: 80 }),
    // @ts-expect-error a path must begin with "/"
    service("a", { image: "nginx", probes: { liveness: { path: "healthz" } } }),
    // @ts-expect-error an invalid visibility
    service("a", { image: "nginx", visibility: "pubic" }),
    // @ts-expect-error an unknown key of the app
    defineConfig({ app: "x", services: [], servics: [] }),
    // @ts-expect-error an app without services
    defineConfig({ app: "x" })
  ]
}

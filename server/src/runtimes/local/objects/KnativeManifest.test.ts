import { describe, expect, it } from "@effect/vitest"
import { AppName, parseAppSpec } from "@maxcloud/config-schema"
import { expand, isKnativeService } from "@maxcloud/synth"
import { Effect, Either, Option, Redacted } from "effect"
import { fieldNames, pairsOf } from "../../../../../config-schema/test/serviceFields.ts"
import { manifestsOf, testKey } from "../../../../test/local/testRuntime.ts"
import { limitations } from "../limitations.ts"
import { platformEnv, resolveEnvironment } from "../revisions/environment.ts"
import { parseKnativeService } from "./KnativeManifest.ts"
import { pinSecrets } from "./secretParts.ts"

const service = {
  name: "web",
  image: "nginx:1.27",
  command: ["serve", "$(X)"],
  args: ["--now"],
  port: 80,
  protocol: "h2c",
  env: { B: "b$(A)", A: "a", TOKEN: { secret: "TOKEN" }, URL: { join: ["x://", { secret: "TOKEN" }, "@y"] } },
  files: { "/etc/secrets/key.pem": { secret: "KEY" } },
  cpu: "250m",
  memory: "64Mi",
  scale: { min: 2, max: 7, concurrency: 5, maxConcurrency: 9, idle: "90s" },
  timeout: "7s",
  probes: { startup: { path: "/up", period: "2s", failureThreshold: 30 }, readiness: { timeout: "3s" } },
  visibility: "internal"
}

const parsed = () => {
  const manifests = manifestsOf([service])
  const manifest = manifests.find(isKnativeService)
  if (manifest === undefined) throw new Error("no Knative Service")
  return { manifests, ...Either.getOrThrowWith(parseKnativeService(manifest), (found) => new Error(found)) }
}

describe("KnativeManifest", () => {
  it("reads every field that synth writes for a service", () => {
    const { internal, template } = parsed()
    expect(internal).toBe(true)
    expect(template).toMatchObject({
      program: { kind: "image", image: "nginx:1.27" },
      port: 80,
      protocol: "h2c",
      cpuMilli: 250,
      memoryBytes: 64 * 2 ** 20,
      maxConcurrency: 9,
      min: 2,
      initialScale: 2,
      timeoutMs: 7000,
      startDeadlineMs: 180_000,
      startup: { path: "/up", initialDelayMs: 0, periodMs: 2000, timeoutMs: 1000, failureThreshold: 30 },
      readiness: { path: undefined, initialDelayMs: 0, periodMs: 10_000, timeoutMs: 3000, failureThreshold: 3 },
      // Its delay is for a cluster.
      liveness: { path: undefined, initialDelayMs: 0, periodMs: 10_000, timeoutMs: 10_000, failureThreshold: 3 },
      anyAnswerLives: true
    })
    expect(template.scale).toMatchObject({
      targetConcurrency: 5,
      targetUtilization: 1,
      maxConcurrency: 9,
      min: 2,
      max: 7,
      stableWindowMs: 90_000
    })
  })

  it("uses the liveness probe that a service declares, and none for a folder that its developer may have paused", () => {
    const livenessOf = (given: object) => {
      const manifest = manifestsOf([{ name: "web", ...given }]).find(isKnativeService)
      const { template } = Either.getOrThrowWith(
        parseKnativeService(manifest ?? expect.unreachable("none")),
        (found) => new Error(found)
      )
      return [template.anyAnswerLives, template.liveness?.path, template.liveness?.timeoutMs]
    }
    expect(livenessOf({ image: "nginx" })).toStrictEqual([true, undefined, 10_000])
    expect(livenessOf({ image: "nginx", probes: { liveness: {} } })).toStrictEqual([false, undefined, 1_000])
    expect(livenessOf({ image: "nginx", probes: { liveness: { path: "/up" } } })).toStrictEqual([false, "/up", 1_000])
    const source = { path: ".", directory: "/work" }
    expect(livenessOf({ source })).toStrictEqual([false, undefined, undefined])
    expect(livenessOf({ source, probes: { liveness: {} } })).toStrictEqual([false, undefined, 1_000])
  })

  it("combines environment and files, and marks values of secrets", async () => {
    const { manifests, template } = parsed()
    const pinned = Either.getOrThrowWith(
      pinSecrets(template, (name) =>
        manifests.find((manifest) => manifest.kind === "Secret" && manifest.metadata.name === name)
      ),
      (found) => new Error(found)
    )
    const environment = await Effect.runPromise(
      resolveEnvironment({
        template,
        pinned,
        platform: platformEnv("web", "web-00001"),
        secrets: {
          set: () => Effect.dieMessage("unused"),
          list: () => Effect.dieMessage("unused"),
          page: () => Effect.dieMessage("unused"),
          unset: () => Effect.dieMessage("unused"),
          importAll: () => Effect.dieMessage("unused"),
          copy: () => Effect.dieMessage("unused"),
          versions: () => Effect.dieMessage("unused"),
          rollback: () => Effect.dieMessage("unused"),
          reveal: (_, name, version) => Effect.succeed(Option.some(Redacted.make(`${name}@${version}`)))
        },
        scope: { organizationId: testKey().organizationId, stage: testKey().stage, app: AppName.make("shop") },
        rewrite: Effect.succeed
      })
    )
    const clear = (value: string | Redacted.Redacted | undefined) =>
      Redacted.isRedacted(value) ? `secret ${Redacted.value(value)}` : value
    expect(Object.fromEntries([...environment.env].map(([name, value]) => [name, clear(value)]))).toStrictEqual({
      K_SERVICE: "web",
      K_CONFIGURATION: "web",
      K_REVISION: "web-00001",
      A: "a",
      B: "b$(A)",
      TOKEN: "secret TOKEN@1",
      URL: "secret x://TOKEN@1@y"
    })
    expect([...environment.files].map(([path, value]) => [path, clear(value)])).toStrictEqual([
      ["/etc/secrets/key.pem", "secret KEY@1"]
    ])
    expect(environment.command).toStrictEqual(["serve", "$(X)"])
    expect(environment.args).toStrictEqual(["--now"])
  })

  it("names the missing Secret", () => {
    const { template } = parsed()
    expect(Either.getOrThrow(Either.flip(pinSecrets(template, () => undefined)))).toMatch(
      /the Secret "web--[0-9a-f]+" is missing/
    )
  })

  it("explains what is wrong with a manifest", () => {
    const [manifest] = manifestsOf([{ name: "web", image: "a:1" }]).filter(isKnativeService)
    if (manifest === undefined) throw new Error("no Knative Service")
    const broken = { ...manifest, spec: { template: { spec: { containers: [] } } } }
    expect(Either.getOrThrow(Either.flip(parseKnativeService(broken)))).toMatch(/one container/)
  })

  it("expands variables like Kubernetes", () => {
    const values: Readonly<Record<string, string>> = { A: "1", B: "$(A)" }
    const cases = {
      "$(A)": "1",
      "$$(A)": "$(A)",
      "$$$(A)": "$1",
      "$(C)": "$(C)",
      "$(B)": "$(A)",
      "5$": "5$",
      $x: "$x",
      "$(A": "$(A",
      "$($(A))": "$($(A))"
    }
    for (const [written, expanded] of Object.entries(cases))
      expect(expand(written, (one) => values[one])).toBe(expanded)
  })

  // The services it calls aren't its instances' concern (`Links`), and only Kubernetes has objects with labels. A config with
  // `manifests` is refused.
  const elsewhere: ReadonlySet<string> = new Set(["links", "labels", "manifests"])

  it.each(fieldNames.filter((fieldName) => !elsewhere.has(fieldName)))(
    "reads the field %s of a service, or its limitations name it",
    (name) => {
      const readOf = (services: ReadonlyArray<Readonly<Record<string, unknown>>>) => {
        const manifest = manifestsOf(services).find(
          (object) => isKnativeService(object) && object.metadata.name === "web"
        )
        const { written: _, ...read } = Either.getOrThrow(
          parseKnativeService(manifest ?? expect.unreachable("no service"))
        )
        const spec = Either.getOrThrow(parseAppSpec({ app: "shop", services }))
        return JSON.stringify([read, limitations(spec).some((limitation) => limitation.path.includes(name))])
      }
      expect(pairsOf(name).some((each) => readOf(each.with) !== readOf(each.without))).toBe(true)
    }
  )
})

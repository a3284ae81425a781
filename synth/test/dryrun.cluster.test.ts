import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, StageName } from "@maxcloud/config-schema"
import * as fc from "fast-check"
import type { Manifest } from "../src/manifest.ts"
import { namespaceOf } from "../src/names.ts"
import { defaultMaxTimeoutSeconds } from "../src/revisionTemplate.ts"
import { synth } from "../src/synth.ts"
import { synthNamespace } from "../src/synthNamespace.ts"
import type { TenantContext } from "../src/tenant.ts"
import { ApiServer } from "./apiServer.ts"
import { arbitraryExample } from "./arbitrarySpec.ts"
import { type Example, examples } from "./examples.ts"

const generated = 300
const levels = ["baseline", "restricted"] as const

const place = (level: TenantContext["podSecurity"]) => ({
  organization,
  app: AppName.make("synth"),
  stage: StageName.make(level),
  namespacePrefix: "mc-"
})
const organization = OrganizationName.make(`synth-${randomBytes(4).toString("hex")}`)

/** The objects of an example, in the namespace for its level. */
const inNamespace = ({ spec, tenant }: Example): ReadonlyArray<Manifest> => {
  const namespace = namespaceOf(place(tenant.podSecurity))
  return synth(spec, tenant).map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }))
}

describe.skipIf(process.env["KUBECONFIG"] === undefined)("dry run against a cluster with Knative (KUBECONFIG)", () => {
  let server: ApiServer
  let maxTimeoutSeconds = defaultMaxTimeoutSeconds

  const send = async (manifests: ReadonlyArray<Manifest>, options: { readonly dryRun: boolean }) => {
    const waiting = [...manifests]
    const refused: Array<string> = []
    const work = async () => {
      for (let next = waiting.pop(); next !== undefined && refused.length < 5; next = waiting.pop()) {
        const refusal = await server.apply(next, options)
        if (refusal !== undefined) refused.push(refusal)
      }
    }
    await Promise.all(Array.from({ length: 8 }, work))
    return refused
  }

  /** Creates accounts for real, because Knative's webhook tries a service's pod, which needs its account, quota and Pod Security. */
  const refusals = async (manifests: ReadonlyArray<Manifest>) => {
    const accounts = manifests.filter((manifest) => manifest.kind === "ServiceAccount")
    const once = new Map(accounts.map((account) => [`${account.metadata.namespace} ${account.metadata.name}`, account]))
    return [
      ...(await send([...once.values()], { dryRun: false })),
      ...(await send(
        manifests.filter((manifest) => manifest.kind !== "ServiceAccount"),
        { dryRun: true }
      ))
    ]
  }

  beforeAll(async () => {
    server = await ApiServer.connect()
    const defaults = await server.call("GET", "/api/v1/namespaces/knative-serving/configmaps/config-defaults")
    const raised = /"max-revision-timeout-seconds":\s*"(\d+)"/.exec(defaults.text)
    if (raised !== null) maxTimeoutSeconds = Number(raised[1])
    const [example] = Object.values(examples)
    if (example === undefined) throw new Error("there are no examples")
    for (const podSecurity of levels) {
      const manifests = synthNamespace({ ...example.tenant, ...place(podSecurity), podSecurity })
      for (const manifest of manifests) expect(await server.apply(manifest, { dryRun: false })).toBeUndefined()
    }
  })

  afterAll(async () => {
    const paths = levels.map((level) => `/api/v1/namespaces/${namespaceOf(place(level))}`)
    await Promise.all(paths.map((path) => server.call("DELETE", path)))
    for (let tries = 0; tries < 200; tries++) {
      const left = await Promise.all(paths.map((path) => server.call("GET", path)))
      if (left.every((each) => each.status === 404)) break
      await sleep(200)
    }
    server.close()
  })

  it("accepts every example", async () => {
    const all = Object.values(examples)
    const manifests = all.flatMap(inNamespace)
    expect(await refusals([...all.flatMap(({ tenant }) => synthNamespace(tenant).slice(0, 1)), ...manifests])).toEqual(
      []
    )
  })

  it("accepts any app", { timeout: 80_000 }, async () => {
    const drawn = fc.sample(arbitraryExample({ maxTimeoutSeconds }), generated)
    const manifests = drawn.flatMap(inNamespace)
    expect(await refusals(manifests)).toEqual([])
  })

  it("can fail: the webhook refuses manifests that synth doesn't produce", async () => {
    const [service] = Object.values(examples)
      .flatMap(inNamespace)
      .filter((object) => object.kind === "Service")
    if (service === undefined) throw new Error("no example has a service")
    const metadata = { ...service.metadata, name: "9api" }
    expect(await refusals([{ ...service, metadata }])).toEqual([expect.stringContaining("9api")])
    expect(await refusals([{ ...service, unheardOf: true }])).toEqual([expect.stringContaining("unheardOf")])
  })
})

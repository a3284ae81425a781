import { expect, it } from "@effect/vitest"
import { AppName, type AppSpecEncoded, OrganizationName, StageName } from "@maxcloud/config-schema"
import { canonicalJson, OrganizationId, PlanId } from "@maxcloud/sdk/api"
import type { Manifest } from "@maxcloud/synth"
import { Schema } from "effect"
import * as fc from "fast-check"
import { planContent, planIdOf, readPlanId } from "./planId.ts"

const target = {
  organization: { id: OrganizationId.make(`org_${"0".repeat(32)}`), name: OrganizationName.make("acme") },
  app: AppName.make("shop"),
  stage: StageName.make("production")
}

interface Planned {
  readonly number: number | undefined
  readonly spec: AppSpecEncoded
  readonly manifests: { readonly namespace: ReadonlyArray<Manifest>; readonly app: ReadonlyArray<Manifest> }
}

const idOf = ({ manifests, number, spec }: Planned, at = target) => {
  const work = planContent(at, spec, manifests)
  let step = work.next()
  while (step.done !== true) step = work.next()
  return planIdOf(number, step.value)
}

// Few values, so that two plans often share some of their parts.
const text = fc.constantFrom("a", "b")
const number = fc.constantFrom(undefined, 1, 12)
const spec: fc.Arbitrary<AppSpecEncoded> = fc.record({
  app: fc.constant("shop"),
  services: fc.array(
    fc.record({ name: text, image: text, env: fc.dictionary(fc.constantFrom("X", "Y"), text, { maxKeys: 2 }) }),
    { maxLength: 2 }
  )
})
const manifest: fc.Arbitrary<Manifest> = fc.record({
  apiVersion: fc.constant("v1"),
  kind: text,
  metadata: fc.record({ name: text }),
  spec: fc.dictionary(fc.constantFrom("x", "y"), text, { maxKeys: 2 })
})
const list = fc.array(manifest, { maxLength: 2 })
const planned: fc.Arbitrary<Planned> = fc.record({
  number,
  spec,
  manifests: fc.record({ namespace: list, app: list })
})

/** The id's contents without a digest. The manifests form one list, whichever of the two they are in. */
const contentOf = ({ manifests, number, spec }: Planned) =>
  canonicalJson([number ?? null, spec, [...manifests.namespace, ...manifests.app]])

it("differs if and only if the number, the spec or the manifests do", () => {
  fc.assert(
    fc.property(planned, planned, (one, two) => {
      expect(idOf(one) === idOf(two)).toBe(contentOf(one) === contentOf(two))
    }),
    { numRuns: 2_000 }
  )
})

it("differs if one part does, but not by the order of keys", () => {
  const reversed = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(reversed)
      : typeof value === "object" && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, part]) => [key, reversed(part)])
          )
        : value
  fc.assert(
    fc.property(planned, planned, (one, two) => {
      for (const part of ["number", "spec", "manifests"] as const) {
        const mixed: Planned = { ...one, [part]: two[part] }
        expect(idOf(one) === idOf(mixed)).toBe(contentOf(one) === contentOf(mixed))
      }
      const turned = { ...one, spec: reversed(one.spec), manifests: reversed(one.manifests) } as Planned
      expect(idOf(turned)).toBe(idOf(one))
    })
  )
})

it("belongs to one organization, app and stage", () => {
  const [sample] = fc.sample(planned, 1)
  if (sample === undefined) return expect.unreachable("no sample")
  const others = [
    { ...target, organization: { ...target.organization, id: OrganizationId.make(`org_${"1".repeat(32)}`) } },
    { ...target, app: AppName.make("blog") },
    { ...target, stage: StageName.make("dev") },
    // A renamed organization is still the same one.
    { ...target, organization: { ...target.organization, name: OrganizationName.make("renamed") } }
  ]
  const ids = others.map((each) => idOf(sample, each))
  expect(ids.map((id) => id === idOf(sample))).toEqual([false, false, false, true])
  expect(new Set(ids).size).toBe(4)
})

it("reveals the number it is based on, and is valid in the contract", () => {
  fc.assert(
    fc.property(planned, (one) => {
      const id = idOf(one)
      expect(Schema.is(PlanId)(id)).toBe(true)
      expect(readPlanId(id).basedOn).toBe(one.number)
    })
  )
})

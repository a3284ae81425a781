import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import * as fc from "fast-check"
import { fieldNames, pairsOf } from "../../config-schema/test/serviceFields.ts"
import { templateOf } from "../src/KnativeService.ts"
import { offlineTenant } from "../src/offlineTenant.ts"
import { RevisionTemplate } from "../src/revisionTemplate.ts"
import { synth } from "../src/synth.ts"
import { arbitraryExample } from "./arbitrarySpec.ts"
import { type Example, specOf } from "./examples.ts"

const anyExample = arbitraryExample({ maxTimeoutSeconds: 3600 })
const templatesOf = ({ spec, tenant }: Example) =>
  synth(spec, tenant).flatMap((object) => (object.kind === "Service" ? [templateOf(object)] : []))

describe("a template", () => {
  it("decodes to exactly what was encoded", () => {
    fc.assert(
      fc.property(anyExample, (example) => {
        for (const written of templatesOf(example)) {
          const read = Schema.decodeUnknownSync(RevisionTemplate, { onExcessProperty: "error" })(written)
          expect(JSON.parse(JSON.stringify(Schema.encodeSync(RevisionTemplate)(read)))).toEqual(written)
        }
      })
    )
  })
})

describe("a field of a service", () => {
  it.each(fieldNames)("changes the service's manifests: %s", (name) => {
    const madeOf = (services: ReadonlyArray<object>) => {
      const spec = specOf({ app: "shop", services })
      return JSON.stringify(synth(spec, offlineTenant(spec)))
    }
    expect(pairsOf(name).some((each) => madeOf(each.with) !== madeOf(each.without))).toBe(true)
  })
})

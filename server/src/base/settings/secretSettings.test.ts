import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, SecretName, StageName } from "@maxcloud/config-schema"
import { externalKeyOf, textOfExternalKey } from "@maxcloud/synth"
import { Arbitrary, ConfigProvider, Effect, Either } from "effect"
import * as fc from "fast-check"
import { secretSettings } from "./secretSettings.ts"
import { configOf } from "./setting.ts"

const read = (key: string) =>
  Effect.runSync(
    Effect.either(
      Effect.withConfigProvider(
        configOf(secretSettings),
        ConfigProvider.fromMap(new Map([["MAXCLOUD_EXTERNAL_SECRET_KEY", key]]))
      )
    )
  )

const right = [
  "{organization}/{app}/{stage}/{name}#value",
  "maxcloud/{organization}/{stage}/{app}#{name}",
  "{organization}--{app}--{stage}--{name}",
  "eu:{organization}.{app}.{stage}.{name}"
]

const wrong = [
  "{organization}/{app}/{name}",
  "{app}/{stage}/{name}",
  "{organization}{app}/{stage}/{name}",
  "{organization}-{app}/{stage}/{name}",
  "{organization}/{app}/{stage}_{name}",
  "{organization}/{app}/{stage}/{name}/{user}",
  "{organization}/{app}/{stage}/{name}#",
  "#{organization}/{app}/{stage}/{name}",
  "{organization}/{app}#{stage}#{name}",
  "{organization}/{app}/{stage}/{name} {{ x }}",
  ""
]

describe("the key of a secret in a store", () => {
  it.each(right)("may be %s", (key) => expect(Either.isRight(read(key))).toBe(true))

  it.each(wrong)("can't be %s: two secrets could share a key, or it's not a valid key", (key) => {
    const refused = read(key)
    expect(Either.isLeft(refused)).toBe(true)
    if (Either.isLeft(refused)) expect(String(refused.left)).toContain("{organization}")
  })

  it("differs for each secret, however tenants choose their names", () => {
    const secret = fc.record({
      organization: Arbitrary.make(OrganizationName),
      app: Arbitrary.make(AppName),
      stage: Arbitrary.make(StageName),
      name: Arbitrary.make(SecretName)
    })
    // Short names over few letters collide more often.
    const short = fc.stringMatching(/^a(-?a){0,2}$/)
    const alike = fc.record({
      organization: short.map((value) => OrganizationName.make(value)),
      app: short.map((value) => AppName.make(value)),
      stage: short.map((value) => StageName.make(value)),
      name: fc.stringMatching(/^[a_][a_]{0,2}$/).map((generated) => SecretName.make(generated))
    })
    const either = fc.oneof(secret, alike)
    fc.assert(
      fc.property(either, either, fc.constantFrom(...right), (one, other, key) => {
        const textOf = ({ name, ...place }: typeof one) =>
          textOfExternalKey(externalKeyOf({ store: "s", key }, place, name))
        const same = JSON.stringify(one) === JSON.stringify(other)
        expect(textOf(one) === textOf(other)).toBe(same)
      }),
      { numRuns: 2000 }
    )
  })
})

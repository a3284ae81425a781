import { describe, expect, it } from "@effect/vitest"
import { AppName, ServiceName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import fc from "fast-check"
import { nameOf, namesOf } from "./nameOf.ts"

const isApp = Schema.is(AppName)
const isService = Schema.is(ServiceName)
const folder = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.stringMatching(/^[-_. a-zA-Z0-9äÖßé]{1,60}$/),
  fc.constantFrom("xn", "--", "9", "web", "Web", "my_app", ".hidden", "a".repeat(80))
)

describe("names from folders", () => {
  it.each([
    ["/home/ada/shop", "shop"],
    ["/home/ada/My Büro_2", "my-buro-2"],
    ["/home/ada/9api", "api"],
    ["/home/ada/日本", "my-app"],
    ["/", "my-app"]
  ])("%s is %s", (path, name) => expect(nameOf(path)).toBe(name))

  it("are valid for apps and services, whatever the folder's name", () => {
    fc.assert(
      fc.property(folder, (name) => {
        const given = nameOf(`/x/${name}`)
        expect(isApp(given) && isService(given), given).toBe(true)
      }),
      { numRuns: 2000 }
    )
  })

  it("are unique among the services of one app", () => {
    expect(namesOf("/r", ["apps/web", "apps/api", "packages/web"])).toStrictEqual(["apps-web", "api", "packages-web"])
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.tuple(folder, folder).map((generated) => generated.join("/")),
          { maxLength: 12 }
        ),
        (folders) => {
          const names = namesOf("/r", folders)
          expect(new Set(names)).toHaveLength(folders.length)
          expect(names.every(isService), names.join()).toBe(true)
        }
      ),
      { numRuns: 1000 }
    )
  })
})

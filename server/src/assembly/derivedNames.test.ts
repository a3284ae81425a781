import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, SecretName, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import {
  externalKeyOf,
  hostLabelOf,
  internalHostOf,
  namespaceOf,
  publicUrlOf,
  textOfExternalKey
} from "@maxcloud/synth"
import { Schema } from "effect"
import fc from "fast-check"
import { knativeProblems } from "../../../synth/src/problems.ts"
import { secretNameOf, writeParts } from "../../../synth/src/secretParts.ts"
import { examples, specOf } from "../../../synth/test/examples.ts"
import { kinds, pathOf } from "../runtimes/kubeApi/kinds.ts"
import { idOf, placeOf } from "../runtimes/kubernetes/apply/managed.ts"
import { makeRouteTable, publicHostOf } from "../runtimes/local/activator/RouteTable.ts"
import { lineLabels, selector } from "../stores/logs/loki/logql.ts"
import { serviceFolder } from "../stores/logs/serviceFolder.ts"
import { audienceOf } from "../tenancy/identity/keys/idTokenParts.ts"
import { bucketOf } from "../tenancy/limits/PostgresRateLimits.ts"

/** All names that something can be derived from. */
interface Names {
  readonly organization: OrganizationName
  readonly stage: StageName
  readonly app: AppName
  readonly service: ServiceName
  readonly secret: SecretName
}

type Field = keyof Names

const pairs = 10_000

const isName = {
  organization: Schema.is(OrganizationName),
  stage: Schema.is(StageName),
  app: Schema.is(AppName),
  service: Schema.is(ServiceName),
  secret: Schema.is(SecretName)
}

/** Only names that a deployment accepts: a host's label has at most 63 characters. */
const areValid = (each: Record<keyof Names, string>): each is Record<keyof Names, string> & Names =>
  isName.organization(each.organization) &&
  isName.stage(each.stage) &&
  isName.app(each.app) &&
  isName.service(each.service) &&
  isName.secret(each.secret) &&
  `${each.service}--${each.app}--${each.stage}--${each.organization}`.length <= 63

const word = fc.constantFrom(
  "a",
  "b",
  "a1",
  "mc",
  "web",
  "production",
  "kube",
  "default",
  "maxcloud",
  "00001",
  "private",
  "svc",
  "latest"
)

/** One text split into names at any of its dashes: `a-b` of `c` and `a` of `b-c` come from the same text. */
const cut = fc
  .tuple(fc.array(word, { minLength: 4, maxLength: 8 }), fc.nat(), fc.nat(), fc.nat(), fc.boolean(), word)
  .map(([words, one, two, three, isProduction, secret]) => {
    const first = 1 + (one % (words.length - 3))
    const second = first + 1 + (two % (words.length - first - 2))
    const third = second + 1 + (three % (words.length - second - 1))
    const join = (from: number, to?: number) => words.slice(from, to).join("-")
    return {
      service: join(0, first),
      app: join(first, second),
      stage: isProduction ? "production" : join(second, third),
      organization: isProduction ? join(second) : join(third),
      secret: secret.toUpperCase()
    }
  })

/** Names of the maximum length that differ only in their last or first character. */
const long = fc
  .tuple(
    fc.constantFrom(1, 14, 15),
    fc.constantFrom(1, 14, 15),
    fc.constantFrom(1, 2, 13, 14),
    fc.constantFrom("a", "b"),
    fc.constantFrom("a", "b")
  )
  .map(([organization, stage, service, first, last]) => {
    const of = (length: number) => (length === 1 ? first : `${first}${"x".repeat(length - 2)}${last}`)
    return { organization: of(organization), stage: of(stage), service: of(service), app: of(12), secret: of(128) }
  })

const names = fc.oneof({ weight: 4, arbitrary: cut }, { weight: 1, arbitrary: long }).filter(areValid)

/** Two independent samples, two splits of the same text, or two that differ in one name. */
const pair = fc.oneof(
  fc.tuple(names, names),
  fc
    .tuple(names, names, fc.constantFrom<Field>("organization", "stage", "app", "service", "secret"))
    .map(([one, other, field]) => [one, { ...one, [field]: other[field] }] as const)
    .filter(([, other]) => areValid(other)),
  // The names of stage and organization swapped.
  fc
    .tuple(names)
    .map(([one]): readonly [typeof one, Record<keyof Names, string>] => [
      one,
      { ...one, organization: one.stage, stage: one.organization }
    ])
    .filter((value): value is readonly [(typeof value)[0], Record<keyof Names, string> & Names] => areValid(value[1]))
)

const place = ({ app, organization, stage }: Names, namespacePrefix: string) => ({
  organization,
  app,
  stage,
  namespacePrefix
})

/** The same for all: a derived name that also contains the organization's id must be unique without it here. */
const organizationId = OrganizationId.make(`org_${"0".repeat(32)}`)

const keyOf = (of: Names, prefix: string) => ({
  ...of,
  organizationId,
  namespace: namespaceOf(place(of, prefix))
})

const tenant = (of: Names) => {
  const [example] = Object.values(examples)
  if (example === undefined) throw new Error("there are no examples")
  return { ...example.tenant, ...place(of, "mc-") }
}

interface Derivation {
  /** The names it's derived from: if any of them differs, the derived name must differ. */
  readonly from: ReadonlyArray<Field>
  readonly name: (of: Names) => string
}

const derivations: Readonly<Record<string, Derivation>> = {
  "namespace without a prefix": {
    from: ["organization", "app", "stage"],
    name: (value) => namespaceOf(place(value, ""))
  },
  "namespace with a prefix": {
    from: ["organization", "app", "stage"],
    name: (value) => namespaceOf(place(value, "mc-"))
  },
  "public URL": {
    from: ["organization", "app", "stage", "service"],
    name: (each) => publicUrlOf(each.service, tenant(each))
  },
  "host of the local runtime": {
    from: ["organization", "app", "stage", "service"],
    name: (value) => publicHostOf(keyOf(value, ""), "localhost")
  },
  "host within the cluster": {
    from: ["organization", "app", "stage", "service"],
    name: (each) => internalHostOf(each.service, place(each, "mc-"))
  },
  "path of a Kubernetes object": {
    from: ["organization", "app", "stage", "service"],
    name: (each) => pathOf(kinds.service, namespaceOf(place(each, "mc-")), each.service)
  },
  "key of the cluster's cache": {
    from: ["organization", "app", "stage", "service"],
    name: (each) => idOf(placeOf("service", namespaceOf(place(each, "mc-")), each.service))
  },
  "path of a Secret": {
    from: ["organization", "app", "stage", "service", "secret"],
    name: (each) =>
      pathOf(
        kinds.secret,
        namespaceOf(place(each, "mc-")),
        secretNameOf(each.service, writeParts({ KEY: [{ secret: each.secret, version: 1 }] }))
      )
  },
  "key in a store of secrets": {
    from: ["organization", "app", "stage", "secret"],
    name: (each) =>
      textOfExternalKey(
        externalKeyOf({ store: "s", key: "{organization}--{app}--{stage}--{name}#v" }, place(each, ""), each.secret)
      )
  },
  "folder and bucket key of logs": {
    from: ["organization", "app", "stage", "service"],
    name: (value) => serviceFolder(keyOf(value, "mc-"))
  },
  "labels of log streams": {
    from: ["organization", "app", "stage", "service"],
    name: (value) => selector(lineLabels(keyOf(value, "mc-")))
  },
  "audience of CI tokens": { from: ["organization"], name: (each) => audienceOf(each.organization) },
  "bucket of a rate limit": {
    from: ["organization", "stage"],
    name: (each) => bucketOf({ name: each.stage, quota: 1, windowSeconds: 1 }, each.organization)
  }
}

describe("keeps a derived name unique to one organization, app, stage and service", () => {
  for (const [what, { from, name }] of Object.entries(derivations)) {
    it(`${what}: ${pairs} pairs`, () => {
      /** All generated names with their sources: each new one is compared with all earlier ones. */
      const known = new Map<string, string>()
      let different = 0
      fc.assert(
        fc.property(pair, (both) => {
          const [one, other] = both.map((of) => {
            const source = JSON.stringify(from.map((value) => of[value]))
            const derived = name(of)
            expect(known.get(derived) ?? source, derived).toBe(source)
            known.set(derived, source)
            return { source, derived }
          })
          if (one?.source !== other?.source) different++
          expect(one?.derived === other?.derived).toBe(one?.source === other?.source)
        }),
        { numRuns: pairs }
      )
      console.log(`${what}: ${pairs} pairs, ${different} of them different, ${known.size} names in all`)
      expect(different).toBeGreaterThan(pairs / 3)
    })
  }

  it(`a host of the local runtime reaches only its own service: ${pairs} pairs`, () => {
    const route = (key: string) => ({
      key,
      protocol: "http1" as const,
      timeoutMs: 1,
      acquire: () => Promise.reject(new Error(key))
    })
    fc.assert(
      fc.property(pair, ([one, other]) => {
        const table = makeRouteTable("localhost")
        for (const of of [one, other]) table.add(keyOf(of, ""), route(publicHostOf(keyOf(of, ""), "localhost")))
        for (const of of [one, other]) {
          const host = `${hostLabelOf(of.service, of)}.localhost`
          expect(table.lookup(host)?.key).toBe(host)
          expect(table.lookup(host.replaceAll("--", "-"))).toBeUndefined()
        }
      }),
      { numRuns: pairs }
    )
    console.log(`hosts of the local runtime: ${pairs} pairs`)
  })

  it(`Knative's objects for two services of one stage have different names: ${pairs} pairs`, () => {
    /**
     * The Kubernetes Services that Knative makes for a Knative Service: for its route, its tags and its revisions
     * (knative/serving).
     */
    const made = (service: string, tag: string) => [
      service,
      `${tag}---${service}`,
      ...["00001", "00002", "12345"].flatMap((name) => [`${service}-${name}`, `${service}-${name}-private`])
    ]
    const spec = specOf({ app: "a", services: [{ name: "a", image: "nginx" }] })
    let checked = 0
    fc.assert(
      fc.property(pair, word, word, ([one, other], tag, otherTag) => {
        if (one.service === other.service) return
        const services = [one.service, other.service].flatMap((name) =>
          spec.services.map((service) => ({ ...service, name }))
        )
        if (knativeProblems({ ...spec, services }).length > 0) return
        checked++
        const first = new Set(made(one.service, tag))
        expect(made(other.service, otherTag).filter((value) => first.has(value))).toEqual([])
      }),
      { numRuns: 4 * pairs }
    )
    console.log(`names that Knative makes: ${checked} pairs of different services`)
    expect(checked).toBeGreaterThan(pairs)
  })
})

import { bounds } from "@maxcloud/config-schema"

export interface Body {
  readonly kind: string
  readonly path: string
  readonly body: string
}

/** Deterministic pseudo-random numbers (mulberry32). */
const numbers = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const many = <A>(count: number, make: (index: number) => A) => Array.from({ length: count }, (_, index) => make(index))
const map = (count: number, key: string, value: (index: number) => unknown) =>
  Object.fromEntries(many(count, (index) => [`${key}${index}`, value(index)]))

/** Specs and other bodies of the maximum size: valid ones, and ones that fail each of the checks. */
export function* makeBodies(count: number): Generator<Body, void> {
  const below = numbers(1)
  const pick = <A>(...some: ReadonlyArray<A>): A | undefined => some[below(some.length)]
  const text = (length: number) =>
    (pick("a", "a-", "$(A)", "-", "/", ":", "é", "\\", "_.", "9") ?? "a").repeat(length).slice(0, length)
  const values: ReadonlyArray<(index: number) => unknown> = [
    () => "x",
    (index) => ({ secret: `S${index}` }),
    () => ({ service: "s0", property: "url" }),
    () => ({ join: ["a", { secret: "S" }, "b"] }),
    () => ({ a: 1, b: 2, c: 3 }),
    (index) => index,
    () => null,
    () => text(200)
  ]
  const service = (index: number, share: number) => {
    const value = values[below(values.length)] ?? (() => "x")
    const room = Math.min(share, bounds.serviceValues)
    const variables = Math.min(bounds.envVariables, Math.floor(room / (1 + below(4))))
    return {
      name: pick(`s${index}`, `s${index}`, `s${index}`, "s0", text(57)),
      ...pick<object>(
        { source: { path: ".", directory: "/tmp" } },
        { image: "nginx" },
        { image: text(bounds.imageLength) },
        {}
      ),
      env: map(variables, "V", value),
      ...pick<object>(
        {},
        {},
        { files: map(Math.min(bounds.files, room), `/${"f/".repeat(below(400))}`, () => ({ secret: "S" })) },
        { files: map(Math.min(bounds.files, room), "/f", (at) => ({ secret: `S${at}` })) },
        { links: many(Math.min(bounds.links, room), (at) => `s${at}`) },
        { args: many(Math.min(bounds.commandParts, room), () => text(below(500))) },
        { labels: map(bounds.labels, "l", () => text(63)) },
        { egress: many(bounds.egressRanges, () => pick("10.0.0.0/8", "127.0.0.1/32", "8.8.8.8/32", text(18))) },
        { scale: { mni: 1, max: "a" }, prot: 1, cpu: text(32), timeout: text(32) },
        map(50, pick("k", "imag", "e") ?? "k", () => 1)
      )
    }
  }
  const spec = () => {
    const services = pick(1, 5, 50, bounds.services) ?? 1
    return { app: "shop", services: many(services, (index) => service(index, Math.floor(bounds.values / services))) }
  }
  const stage = "/api/v1/apps/shop/stages/production"
  const others: ReadonlyArray<() => Body> = [
    () => ({
      kind: "nested lists",
      path: `${stage}/plan`,
      body: `{"spec":${"[".repeat(10)}${"1,".repeat(900)}1${"]".repeat(10)}}`
    }),
    () => ({
      kind: "empty objects",
      path: `${stage}/plan`,
      body: JSON.stringify({ spec: { app: "shop", services: many(500, () => many(60, () => ({}))) } })
    }),
    () => ({
      kind: "a million characters",
      path: `${stage}/plan`,
      body: JSON.stringify({ spec: text(1_000_000) }).slice(0, 1_048_576)
    }),
    () => ({
      kind: "a device's name",
      path: "/api/v1/auth/device",
      body: JSON.stringify({ clientName: text(16_000) })
    }),
    () => ({
      kind: "objects without a credential",
      path: "/api/v1/auth/device",
      body: JSON.stringify(many(60, () => ({})))
    }),
    () => ({
      kind: "a wrong service",
      path: "/api/v1/services",
      body: JSON.stringify({ name: text(50), image: text(900), env_vars: map(600, "V", () => 1) })
    }),
    () => ({
      kind: "secrets",
      path: `${stage}/secrets-import`,
      body: JSON.stringify({ secrets: many(200, (index) => ({ name: `S ${index}`, value: text(4_000) })) })
    }),
    () => ({
      kind: "a trust",
      path: "/api/v1/auth/oidc-trusts",
      body: JSON.stringify({ name: "x", issuer: text(500), claims: map(900, "c", () => text(500)) })
    }),
    () => ({
      kind: "scopes",
      path: "/api/v1/auth/api-keys",
      body: JSON.stringify({ name: "x", scopes: many(900, () => text(1_000)) })
    }),
    () => ({ kind: "no JSON", path: `${stage}/plan`, body: text(1_000_000) })
  ]
  for (let nth = 0; nth < count; nth++) {
    const other = below(4) === 0 ? others[below(others.length)] : undefined
    const made =
      other === undefined ? { kind: "a spec", path: `${stage}/plan`, body: JSON.stringify({ spec: spec() }) } : other()
    yield made.body.length <= 1_048_576 ? made : { ...made, body: '{"spec":{}}' }
  }
}

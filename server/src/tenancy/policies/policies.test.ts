import { describe, expect, it } from "@effect/vitest"
import { atOnce, parseAppSpec, policyAppOf } from "@maxcloud/config-schema"
import { Either } from "effect"
import fc from "fast-check"
import { appSpec } from "../../../../config-schema/test/appSpecArbitrary.ts"
import { cpuClock, cpuMillis } from "../../../../config-schema/test/cpuClock.ts"
import { compilePolicy, factsOf, mistakeIn } from "./compilePolicy.ts"
import { judgeApp } from "./judgeApp.ts"
import { policyLimits } from "./policyLimits.ts"

const context = { organization: "acme", metadata: { branch: "main" } }
const web = { name: "web", image: "nginx:1.27", memory: "2Gi", labels: { team: "a" }, env: { A: "x", __proto__: "y" } }
const appOf = (...services: ReadonlyArray<object>) =>
  policyAppOf(Either.getOrThrow(parseAppSpec({ app: "shop", services })), "production")
const facts = factsOf(appOf(web, { name: "api", source: "./api", visibility: "internal" }), context)
const large = factsOf(
  appOf(
    ...Array.from({ length: 500 }, (_, index) => ({
      name: `s${index}`,
      image: `ghcr.io/acme/s${index}:1`,
      env: Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`V${n}`, "a".repeat(100)]))
    }))
  ),
  context
)

const compiled = (expression: string) =>
  Either.getOrThrowWith(compilePolicy(expression), (mistake) => new Error(mistake))
const ask = (expression: string, about = facts) => compiled(expression).ask(about, policyLimits.work).answers
const mistake = (expression: string) =>
  Either.match(compilePolicy(expression), { onLeft: (text) => text, onRight: () => "" })

describe("an expression", () => {
  it.each<readonly [expression: string, kept: ReadonlyArray<boolean>]>([
    ["service.memoryBytes <= 1073741824", [false, true]],
    ["service.image == null || service.tag != 'latest'", [true, true]],
    ["service.registry in ['docker.io', null]", [true, true]],
    ["has(service.labels.team)", [true, false]],
    ["'team' in service.labels", [true, false]],
    ["service.scale.max * 2 <= 20 && service.cpuMilli / 1000 == 1", [true, true]],
    ["service.visibility == 'internal' || stage != 'production' || service.name == 'web'", [true, true]],
    ["service.env.all(name, type(service.env[name]) != string || !name.matches('(PASSWORD|TOKEN)$'))", [true, true]],
    ["services.size() <= 5", [true]],
    ["services.filter(s, s.visibility == 'public').map(s, s.name) == ['web']", [true]],
    ["services.exists_one(service, service.name == 'api')", [true]],
    ["organization == 'acme' && app.startsWith('sh') && metadata.branch in ['main', 'release']", [true]],
    ["service.image == null ? true : service.image.lowerAscii().contains('nginx')", [true, true]],
    ["exports.size() == 0", [true]]
  ])("returns true or false: %s", (expression, kept) => {
    expect(ask(expression)).toEqual(kept.map((each) => ({ kept: each })))
  })

  it("knows the field that it's about", () => {
    expect(compiled("service.memoryBytes < 5 || service.memoryBytes == 7").field).toEqual(["memory"])
    expect(compiled("service.scale.min > 0 && service.scale.max > 0").field).toEqual(["scale"])
    expect(compiled("service.labels['team'] != ''").field).toEqual(["labels", "team"])
    expect(compiled("service.tag != 'latest' && service.port == 80").field).toEqual([])
    expect(compiled("services.all(service, service.port == 80)")).toMatchObject({ perService: false, field: [] })
  })

  it.each<readonly [expression: string, message: RegExp]>([
    ["", /^The expression isn't valid CEL\. /],
    ["service.name ==", /^The expression isn't valid CEL\. Character 15: found = but expecting end of input/],
    ["servce.name == 'a'", /^Unknown name "servce"\. Did you mean "service"\?$/],
    ["service.name.startWith('a')", /^Unknown function "startWith"\. Did you mean "startsWith"\?$/],
    ["process.exit(1)", /^Unknown function "exit"/],
    ["bytes('a') == b'a'", /^Unknown function "bytes"/],
    ["b'a' == b'a'", /^Bytes/],
    ["duration('1s') == duration('1s')", /^Unknown function "duration"/],
    ["google.protobuf.Value{} == null", /^Unknown type "google\.protobuf\.Value"/],
    ["'a'.replace('a', 'b') == ''", /^Unknown function "replace"/],
    ["globalThis == null", /^Unknown name "globalThis"/],
    ['"\\U00110000" == "a"', /^The expression isn't valid CEL\. Invalid code point 1114112\.$/],
    ["@result", /^The expression isn't valid CEL/]
  ])("is refused if it isn't valid: %s", (expression, message) => {
    expect(mistake(expression)).toMatch(message)
  })

  it.each<readonly [expression: string, fault: RegExp]>([
    ["service.memory <= 5", /field not found: memory/],
    ["service.constructor != null", /field not found: constructor/],
    ["service['__proto__'] != null", /field not found: __proto__/],
    ["service.env.constructor != null", /field not found: constructor/],
    ["service.toString == null", /field not found: toString/],
    ["service.name + 1 == 'x'", /no matching overload/],
    ["service.name", /doesn't return true or false/],
    ["service.name.matches('(')", /missing closing/],
    ["service.name.matches('(?=a)')", /invalid or unsupported Perl syntax|invalid perl operator/i],
    ["1 / 0 == 1", /divide by zero/],
    ["9223372036854775807 + 1 > 0", /overflow/],
    ["services[9].name == ''", /./],
    ["metadata.commit == 'x'", /field not found: commit/]
  ])("fails if the app has no such thing, and never reads more: %s", (expression, fault) => {
    const [answer] = ask(expression)
    expect(answer).toEqual({ fault: expect.stringMatching(fault) })
  })
})

/** Each expression of docs/policies.md and of the tests above that works. */
const working: ReadonlyArray<string> = [
  "service.memoryBytes <= 1073741824",
  'service.image == null || service.image.startsWith("ghcr.io/acme/")',
  "has(service.labels.team) && service.labels.team.size() > 2",
  'services.filter(s, s.visibility == "public").size() <= 1',
  "services.filter(s, s.scale.max > 1).map(s, s.name).all(name, name.startsWith('big-'))",
  "services.map(s, s.scale.max).exists(max, max > 1) || services.exists_one(s, s.port == 80)",
  'service.port == "auto" || service.port > 1024',
  "service.probes.readiness == null || service.probes.readiness.timeoutSeconds <= 5",
  "service.scale.idleSeconds + 1 > 0 && double(service.cpuMilli) / 1000.0 <= 1.5",
  "service.env.all(name, type(service.env[name]) != string || !name.matches('(PASSWORD|TOKEN)$'))",
  'service.egress == "internet" || service.egress.all(range, range != "0.0.0.0/0")',
  'exports.all(name, exports[name].to.all(app, app != "x")) && "DEBUG" in metadata',
  "(service.image == null ? 'source' : service.image).contains('a') && [] == [] && services[0].name != ''",
  'service.manifests.all(p, p.kind != "Service") && service.files.all(path, service.files[path].secret in ["KEY"])',
  "dyn(service.name) == 5 || {'a': 1}['a'] == 1 || string(service.cpuMilli) + 'm' != ''"
]

describe("a new expression", () => {
  it.each(working)("is accepted: %s", (expression) => {
    expect(mistakeIn(expression)).toBeUndefined()
  })

  it.each<readonly [expression: string, mistake: string]>([
    ["size(services)", "The expression gives a number, not true or false. Compare it with something."],
    ["service.name", "The expression gives a text, not true or false. Compare it with something."],
    ["services.map(s, s.name)", "The expression gives a list, not true or false. Compare it with something."],
    ["service.scale.mx <= 5", 'Character 14: There is no field "mx". Did you mean "max"?'],
    ["service['scale'].mx <= 5", 'Character 17: There is no field "mx". Did you mean "max"?'],
    ["service.memory <= 5", 'Character 8: There is no field "memory". Did you mean "memoryBytes"?'],
    ["has(service.teams)", 'Character 1: There is no field "teams". Use one of name, image, '],
    ["services.all(s, s.scale.mx < 5)", 'Character 24: There is no field "mx"'],
    ["services.filter(s, s.scale.max > 1).all(s, s.nme != '')", 'There is no field "nme". Did you mean "name"?'],
    ["services[0].nme == 'x'", 'There is no field "nme"'],
    ["exports.all(name, exports[name].two == [])", 'There is no field "two". Did you mean "to"?'],
    ["service.name.size > 5", 'There is no field "size", because this is a text.'],
    ["service.probes.readiness.pth == '/'", 'There is no field "pth". Did you mean "path"?'],
    ["service.constructor != null", 'There is no field "constructor"'],
    ["service.name + 1 == 'x'", '"+" can\'t take a text and a number. Convert one with string(…).'],
    ["service.cpuMilli / 1000.0 < 2.0", "Convert one with int(…) or double(…)"],
    ["service.scale.max == '5'", "This compares a number with a text."],
    ["'5' in service.links || 5 in service.links", "This compares a number with a text."],
    ["service.name in 'abc'", '"in" needs a list or a map'],
    ["service.scale.max && stage == 'production'", 'Each side of "&&" must be true or false, but this is a number.'],
    ["!service.name", 'What follows "!" must be true or false'],
    ["service.scale < 5", '"<" can\'t compare an object.'],
    ["size(service.cpuMilli) > 5", "size() can't take a number."],
    ["service.cpuMilli.startsWith('a')", "startsWith() needs texts"],
    ["stage.all(s, s == '')", "This goes through a text, which isn't a list or a map."],
    ["service.name ==", "The expression isn't valid CEL."],
    ["servce.name == ''", 'Unknown name "servce"']
  ])("is refused if it can't be true for any app: %s", (expression, mistake) => {
    expect(mistakeIn(expression)).toContain(mistake)
  })

  it("is checked with the fields that apps have", () => {
    const [about] = appOf(web).services.map((service) => Object.keys(service))
    const mistake = mistakeIn("service.nothing == 1") ?? ""
    expect(mistake.split("Use one of ")[1]).toBe(`${about?.join(", ")}.`)
    for (const field of Object.keys(appOf(web).services[0]?.scale ?? {})) {
      expect(mistakeIn(`service.scale.${field} == 1`), field).toBeUndefined()
    }
  })

  it("has an answer for some app if it is accepted", () => {
    for (const expression of working) {
      expect(
        ask(expression).some((answer) => "kept" in answer),
        expression
      ).toBe(true)
    }
  })

  it("is checked in time linear in its parts", () => {
    const deep = `${"services.all(a, ".repeat(30)}a.name == ''${")".repeat(30)}`
    expect(cpuMillis(() => expect(mistakeIn(deep)).toBeUndefined())).toBeLessThan(1_000)
  })
})

describe("hostile expressions", () => {
  const deep = (start: string, end: string, times: number) => start.repeat(times) + end.repeat(times)
  const loops = (depth: number) =>
    `${Array.from({ length: depth }, (_, index) => `services.all(a${index}, `).join("")}true${")".repeat(depth)}`
  const nested: ReadonlyArray<string> = [
    deep("(", ")", 500),
    "(".repeat(1_900),
    "[".repeat(1_900),
    "{1:".repeat(600),
    "f(".repeat(900),
    `${"[".repeat(990)}${"]".repeat(990)} == []`,
    `true${" && true".repeat(240)}${"".padEnd(2_000)}`,
    "services.all(a,".repeat(120),
    "a?b:".repeat(480)
  ]
  it.each(nested)("are refused at once: %#", (expression) => {
    expect(cpuMillis(() => expect(mistake(expression)).not.toBe(""))).toBeLessThan(1_000)
  })

  it.each<readonly [name: string, expression: string]>([
    ["loops inside each other", loops(6)],
    ["loops that never give false", loops(3).replace("true", "a0.name != 'x'")],
    ["lists that double", `${"[1]"}${".map(x, [x, x])".repeat(40)} == []`],
    ["lists appended to themselves", `[[1]]${".map(x, x + x)".repeat(30)}[0].size() > 0`],
    ["texts appended to themselves", `['ab']${".map(x, x + x)".repeat(30)}[0].size() > 0`],
    ["a map of all pairs", "services.map(a, services.map(b, a.name + b.name)) == []"],
    ["comparisons of everything with everything", "services.all(a, services == services)"],
    ["everything looked for in everything", "services.all(a, services.all(b, b in services))"],
    ["a pattern that grows", "services.all(a, services.all(b, !(a.name + b.name).matches('(a{30}){30}b')))"],
    ["a pattern that goes back", "services.all(a, services.all(b, !a.env.V1.matches('(a|a)*(a|aa)+(a+)+$b')))"],
    [
      "a filter that keeps all",
      "services.filter(a, services.filter(b, services.filter(c, true).size() > 0).size() > 0).size() > 0"
    ],
    ["errors that || forgets", "services.all(a, services.all(b, services.all(c, a.nothing || true)))"],
    ["one for each service", "services.all(a, services.all(b, service.name != a.name + b.name))"]
  ])("end by their work limit: %s", (_, expression) => {
    const policy = compiled(expression)
    const spent = cpuClock()
    const { answers, spent: work } = policy.ask(large, policyLimits.work)
    const took = spent()
    expect(answers.at(-1)).toEqual({
      fault: expect.stringMatching(/too much work|would have more than|nested too deeply/)
    })
    expect(answers.length).toBeLessThanOrEqual(500)
    // The one that passed the limit may have been a large one.
    expect(work).toBeLessThan(policyLimits.work * 3)
    expect(took).toBeLessThan(5_000)
  })

  it("leave enough for an organization's policies on the largest app", () => {
    const wanted = [
      "service.memoryBytes <= 1073741824",
      "service.image == null || service.image.matches('^ghcr[.]io/acme/[a-z0-9-]{1,60}:')",
      "service.env.all(name, type(service.env[name]) != string || !name.endsWith('_TOKEN'))",
      "services.all(a, a.env.all(name, name != 'DEBUG'))",
      "services.filter(a, a.visibility == 'public').size() <= 500"
    ]
    for (const expression of wanted) {
      const { answers, spent } = compiled(expression).ask(large, policyLimits.work)
      expect(
        answers.filter((answer) => !("kept" in answer && answer.kept)),
        `${expression}: ${spent}`
      ).toEqual([])
    }
  })

  const word = fc.constantFrom(
    "service",
    "services",
    "a",
    "name",
    "env",
    "all",
    "map",
    "matches",
    "size",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    ",",
    "+",
    "==",
    "&&",
    "||",
    "?",
    ":",
    "!",
    "'x'",
    "'(a+)+'",
    "1",
    "-",
    "in",
    "has",
    '"',
    "r'",
    "@",
    "_",
    "\u0000",
    "ü"
  )
  it("end for any words, with an answer or an error", () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), fc.constantFrom("", " "), (words, between) => {
        const spent = cpuClock()
        const policy = compilePolicy(words.join(between))
        expect(() => mistakeIn(words.join(between))).not.toThrow()
        if (Either.isRight(policy)) {
          for (const answer of policy.right.ask(facts, 20_000).answers) expect(Object.keys(answer)).toHaveLength(1)
        } else expect(policy.left).toMatch(/^[A-Z][\s\S]{5,400}[.?]$/)
        expect(spent()).toBeLessThan(5_000)
      }),
      { numRuns: 2_000 }
    )
  })
})

describe("an app that is judged", () => {
  const policy = (name: string, expression: string, rest: object = {}) =>
    ({ name, expression, message: null, enforcement: "refuse", ...rest }) as const
  const judged = (...policies: ReadonlyArray<ReturnType<typeof policy>>) => atOnce(judgeApp(policies, facts))

  it("gets the policy's name, its message, and the place in the config", () => {
    const { problems, warnings } = judged(
      policy("memory", "service.memoryBytes <= 1073741824", { message: "Use 1 GiB or less." }),
      policy("few", "services.size() < 2"),
      policy("soft", "service.tag != '1.27'", { enforcement: "warn" })
    )
    expect(problems).toEqual([
      {
        path: ["services", 0, "memory"],
        message: 'Policy "memory" of the organization: Use 1 GiB or less.',
        code: "policy"
      },
      {
        path: [],
        message: `Policy "few" of the organization: This must be true, but isn't: services.size() < 2`,
        code: "policy"
      }
    ])
    expect(warnings.map(({ path }) => path)).toEqual([["services", 0, "image"]])
  })

  it("is refused by a policy that can't be checked, whose name and expression are shown", () => {
    const { problems } = judged(policy("typo", "service.memory <= 5"), policy("old", "nothing"))
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^The organization's policy "typo" can't be checked: field not found: memory\. .*service\.memory <= 5, with `maxcloud policies set typo`\.$/
      ),
      expect.stringContaining('"typo"'),
      expect.stringMatching(/^The organization's policy "old" .*Unknown name "nothing"/)
    ])
    expect(judged(policy("typo", "service.memory <= 5", { enforcement: "warn" })).problems).toEqual([])
  })

  it("limits all policies together", () => {
    const bomb = "services.all(a, services.all(b, services.all(c, true)))"
    const policies = Array.from({ length: policyLimits.policies }, (_, index) => policy(`p${index}`, bomb))
    const spent = cpuClock()
    const { problems } = atOnce(judgeApp(policies, large))
    expect(problems).toHaveLength(policyLimits.policies)
    expect(spent()).toBeLessThan(10_000)
  })

  it("gets the same verdict each time, for any app", () => {
    const policies = [
      policy("a", "service.memoryBytes <= 1073741824 && service.image != null"),
      policy("b", "services.all(s, s.env.all(name, name.size() < 9))"),
      policy("c", "service.probes.readiness != null && service.probes.readiness.path != null")
    ]
    fc.assert(
      fc.property(appSpec, (written) => {
        const app = policyAppOf(Either.getOrThrow(parseAppSpec(written)), "dev")
        const [first, second] = [1, 2].map(() => atOnce(judgeApp(policies, factsOf(app, context))))
        expect(first).toEqual(second)
        for (const { message } of first?.problems ?? []) expect(message).not.toContain("can't be checked")
      }),
      { numRuns: 100 }
    )
  })
})

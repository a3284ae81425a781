import fc from "fast-check"

const million = "a".repeat(1_000_000)

/** Texts that have broken servers: a database, a shell, a template, a terminal or a parser may misread them. */
const texts = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      "",
      " ",
      "\0",
      "a\0b",
      "\ud800",
      "\udfff\ud800",
      "\u202eabc",
      "שלום",
      "e\u0301\u200b",
      "'",
      "';--",
      '"',
      "\\",
      "%",
      "_",
      "%00",
      "%zz",
      "$(x)",
      "{{x}}",
      "<script>",
      "../../etc/passwd",
      "\r\nset-cookie: a=b",
      "\u2028",
      "\uffff",
      "__proto__",
      "constructor",
      "toString",
      "null",
      "undefined",
      "NaN",
      "Infinity",
      "-1",
      "0",
      "1e400",
      "2147483648",
      "9223372036854775808",
      "9".repeat(400),
      "-0",
      "0x10",
      "1.5",
      "true",
      "9999999999999d",
      "99999999999999999999d",
      "-5m",
      "2026-99-99T00:00:00Z",
      "0000-01-01T00:00:00Z",
      "9999-12-31T23:59:59.999999999Z",
      "2026-01-01T",
      "+275760-09-13T00:00:00Z",
      "[]",
      "*",
      "a".repeat(300),
      "a".repeat(5000),
      "-".repeat(5000)
    )
  },
  // More often than the rest, characters that Postgres can't store.
  { weight: 6, arbitrary: fc.constantFrom("a\0b", "a\ud800b") },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 40 }) }
)

/** JSON as text, so that it may also be something that no JavaScript value produces. */
const written = fc.oneof(
  { weight: 5, arbitrary: texts.map((text) => JSON.stringify(text)) },
  fc.constantFrom(
    '"\\u0000"',
    '"\\ud800"',
    '{"\\u0000":1}',
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "0.1",
    "1e400",
    "-1e400",
    "1e308",
    "2147483648",
    "9007199254740993",
    "99999999999999999999999999",
    "{}",
    "[]",
    "[[]]",
    "[null]",
    '{"a":1,"a":2}',
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":1}}',
    `${"[".repeat(60)}${"]".repeat(60)}`,
    `${"[".repeat(5000)}${"]".repeat(5000)}`,
    `${'{"a":'.repeat(60)}1${"}".repeat(60)}`,
    `[${"0,".repeat(5000)}0]`,
    `{${Array.from({ length: 3000 }, (_, i) => `"k${i}":"v"`).join()}}`
  )
)
const large = fc.constant(JSON.stringify(million))

type Path = ReadonlyArray<string | number>

/** The places of a value: itself, and everything in it. */
const placesOf = (value: unknown, path: Path = []): ReadonlyArray<Path> =>
  typeof value === "object" && value !== null
    ? [path, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...path, key]))]
    : [path]

/** JSON of `value` with something else at a place: instead of what is there, beside it, or under its name a second time. */
const withAt = (
  value: unknown,
  place: Path,
  other: string,
  how: "instead" | "beside" | "twice",
  key: string
): string => {
  const [head, ...rest] = place
  if (head === undefined) {
    if (how === "instead" || typeof value !== "object" || value === null) return other
    if (Array.isArray(value)) return `[${[...value.map((each) => JSON.stringify(each)), other].join()}]`
    const [first = key] = Object.keys(value)
    const added = `${JSON.stringify(how === "twice" ? first : key)}:${other}`
    return `{${[...Object.entries(value).map(([name, _]) => `${JSON.stringify(name)}:${JSON.stringify(_)}`), added].join()}}`
  }
  if (typeof value !== "object" || value === null) return other
  const parts = Object.entries(value).map(([name, inner]) => {
    const text = name === String(head) ? withAt(inner, rest, other, how, key) : JSON.stringify(inner)
    return Array.isArray(value) ? text : `${JSON.stringify(name)}:${text}`
  })
  return Array.isArray(value) ? `[${parts.join()}]` : `{${parts.join()}}`
}

const noJson = fc.constantFrom("", "{", "nul", "\ufeff{}", "{} {}", "\0", "'a'", "[".repeat(100_000), '{"a":"\n"}')

/** Bodies like `base` that are hostile in one place. */
const bodies = (base: unknown): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...placesOf(base)),
          fc.oneof({ weight: 40, arbitrary: written }, { weight: 1, arbitrary: large }),
          fc.constantFrom("instead" as const, "instead" as const, "beside" as const, "twice" as const),
          texts
        )
        .map(([place, other, how, key]) => withAt(base, place, other, how, key))
    },
    { weight: 2, arbitrary: noJson },
    { weight: 2, arbitrary: fc.constant(JSON.stringify(base)) }
  )

/**
 * Percent-encoded UTF-8 bytes, including halves of surrogate pairs (which no decoder accepts), or unencoded where a URL allows
 * it.
 */
const inUrl = fc
  .tuple(texts, fc.boolean())
  .map(([text, asItIs]) =>
    asItIs && /^[!-.0->@-~]*$/.test(text) && !text.includes("#")
      ? text
      : [...text].map((each) => (each.isWellFormed() ? encodeURIComponent(each) : "%ED%A0%80")).join("")
  )

/** Valid content of a header field: Latin-1 without control characters. */
const inHeader = texts.map((text) => text.replace(/[^\t -~\u0080-\u00ff]/g, "?"))

export const hostile = { texts, bodies, inUrl, inHeader }

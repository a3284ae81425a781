/** Forms of keys that their makers chose so that they can be found. */
const keyForms: ReadonlyArray<readonly [form: RegExp, what: string]> = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/, "a private key"],
  [/(?<![A-Za-z0-9])A(?:KI|SI)A[A-Z0-9]{16}(?![A-Za-z0-9])/, "an access key of AWS"],
  [/(?<![A-Za-z0-9])gh[opsur]_[A-Za-z0-9]{36}/, "a token of GitHub"],
  [/(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{22}/, "a token of GitHub"],
  [/(?<![A-Za-z0-9])glpat-[\w-]{20}/, "a token of GitLab"],
  [/(?<![A-Za-z0-9])[rs]k_(?:live|test)_[A-Za-z0-9]{16}/, "a key of Stripe"],
  [/(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10}/, "a token of Slack"],
  [/(?<![A-Za-z0-9])AIza[\w-]{35}/, "a key of Google"],
  [/(?<![A-Za-z0-9])sk-(?:ant|proj)-[\w-]{20}/, "a key of an AI service"],
  [/(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}/, "a token of npm"],
  [/(?<![A-Za-z0-9])eyJ[\w-]{10,200}\.eyJ[\w-]{10}/, "a JSON web token"],
  [/:\/\/[^\s/:@]{0,200}:[^\s/:@]{1,200}@/, "a URL with a password"]
]

/** Most keys are short, and a value can have 32,768 characters. */
const lookedAt = 8_192

/** What a text seems to hold, by its form. undefined: nothing secret. */
export const keyIn = (text: string): string | undefined => {
  const start = text.slice(0, lookedAt)
  return keyForms.find(([form]) => form.test(start))?.[1]
}

const secretWords = new Set([
  "PASSWORD",
  "PASSWD",
  "PASSPHRASE",
  "PWD",
  "SECRET",
  "SECRETS",
  "TOKEN",
  "CREDENTIALS",
  "APIKEY"
])
const kindsOfKeys = new Set([
  "API",
  "PRIVATE",
  "ACCESS",
  "SECRET",
  "ENCRYPTION",
  "SIGNING",
  "MASTER",
  "SESSION",
  "AUTH"
])

/** Does the name of a variable say that its value is secret? By its last words: `TOKEN_TTL` says that it isn't. */
export const namesSecret = (name: string): boolean => {
  const words = name.toUpperCase().split("_")
  const last = words.at(-1) ?? ""
  return secretWords.has(last) || (last === "KEY" && kindsOfKeys.has(words.at(-2) ?? ""))
}

/** Values that no secret has: empty, a number, a switch, a path. */
export const isNoSecret = (value: string): boolean =>
  value === "" ||
  /^\d{1,8}$/.test(value) ||
  /^(?:true|false|none|null|required|optional)$/i.test(value) ||
  value.startsWith("/")

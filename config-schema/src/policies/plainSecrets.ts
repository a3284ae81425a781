/** Formats of keys that their issuers designed to be detectable. */
const keyForms: ReadonlyArray<readonly [form: RegExp, what: string]> = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/, "a private key"],
  [/(?<![A-Za-z0-9])A(?:KI|SI)A[A-Z0-9]{16}(?![A-Za-z0-9])/, "an AWS access key"],
  [/(?<![A-Za-z0-9])gh[opsur]_[A-Za-z0-9]{36}/, "a GitHub token"],
  [/(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{22}/, "a GitHub token"],
  [/(?<![A-Za-z0-9])glpat-[\w-]{20}/, "a GitLab token"],
  [/(?<![A-Za-z0-9])[rs]k_(?:live|test)_[A-Za-z0-9]{16}/, "a Stripe key"],
  [/(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10}/, "a Slack token"],
  [/(?<![A-Za-z0-9])AIza[\w-]{35}/, "a Google key"],
  [/(?<![A-Za-z0-9])sk-(?:ant|proj)-[\w-]{20}/, "an AI service's key"],
  [/(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}/, "an npm token"],
  [/(?<![A-Za-z0-9])eyJ[\w-]{10,200}\.eyJ[\w-]{10}/, "a JSON web token"],
  [/:\/\/[^\s/:@]{0,200}:[^\s/:@]{1,200}@/, "a URL with a password"]
]

/** Most keys are short, and a value can have 32,768 characters. */
const lookedAt = 8_192

/** The kind of secret that a text seems to contain; undefined if none. */
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

/** Whether the name of a variable suggests a secret value, by its last words: `TOKEN_TTL` doesn't. */
export const namesSecret = (name: string): boolean => {
  const words = name.toUpperCase().split("_")
  const last = words.at(-1) ?? ""
  return secretWords.has(last) || (last === "KEY" && kindsOfKeys.has(words.at(-2) ?? ""))
}

/** Values that can't be secrets: empty, a number, a switch, a path. */
export const isNoSecret = (value: string): boolean =>
  value === "" ||
  /^\d{1,8}$/.test(value) ||
  /^(?:true|false|none|null|required|optional)$/i.test(value) ||
  value.startsWith("/")

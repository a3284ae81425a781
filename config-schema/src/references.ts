import { misuse } from "./misuse.ts"

/** The address of another service, for `env` or `text`. */
export interface ServiceAddress {
  readonly service: string
  readonly property: "url" | "host" | "publicUrl"
}

/** The address of a service of another app, for `env` or `text`. */
export interface ExternalAddress {
  /** `<app>/<service>` */
  readonly external: string
  readonly property: "url" | "host" | "publicUrl"
  readonly stage?: string | undefined
}

/** A secret, for `env`, `text` or a file. */
export interface Secret extends SecretOptions {
  readonly secret: string
}

export interface SecretOptions {
  /**
   * Lets the server generate the value at the first deploy if nobody has set one: this many letters and digits, 16 to 256, from a cryptographic
   * random source. Only the service gets the value. @default the deploy is refused until somebody sets it
   */
  readonly generate?: number | undefined
}

/** Texts and references joined by `text`. */
export interface Text {
  readonly join: ReadonlyArray<string | Secret | ServiceAddress | ExternalAddress>
}

/** A value that is resolved when the service runs. */
export type Reference = Secret | ServiceAddress | ExternalAddress | Text

/** Use `text` to put a reference into a string: a plain template literal would lose it. */
export const reference = <A extends object>(fields: A, written: string): A => {
  const toString = () => {
    throw misuse(
      `${written} is a reference, which is resolved when the service runs: write text\`…\${${written}}…\` with text from "@maxcloud/sdk/config"`,
      toString
    )
  }
  // On the prototype, so that code that reads, clones or sends the value only sees the fields.
  return Object.assign(Object.create(Object.defineProperty({}, "toString", { value: toString })), fields)
}

/** Joins texts and references: ``text`postgres://app:${secret("DB_PASSWORD")}@db/shop` ``. */
export const text = (
  strings: TemplateStringsArray,
  ...values: ReadonlyArray<string | number | boolean | Secret | ServiceAddress | ExternalAddress>
): Text => ({
  join: strings.flatMap((part, index) => {
    const value = values[index]
    const rest = value === undefined ? [] : [typeof value === "object" ? value : String(value)]
    return part === "" ? rest : [part, ...rest]
  })
})

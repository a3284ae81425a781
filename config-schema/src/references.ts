import { misuse } from "./misuse.ts"

/** Address of another service: an `env` value, or a part of `text`. */
export interface ServiceAddress {
  readonly service: string
  readonly property: "url" | "host" | "publicUrl"
}

/** Address of a service of another app: an `env` value, or a part of `text`. */
export interface ExternalAddress {
  /** `<app>/<service>` */
  readonly external: string
  readonly property: "url" | "host" | "publicUrl"
  readonly stage?: string | undefined
}

/** A secret: an `env` value, a part of `text`, or a file. */
export interface Secret extends SecretOptions {
  readonly secret: string
}

export interface SecretOptions {
  /**
   * Let the server make the value at the first deploy if nobody has set one: so many letters and digits, 16 to 256, from a cryptographic
   * random source. The value never leaves the server except to the service. @default the deploy is refused until somebody sets it
   */
  readonly generate?: number | undefined
}

/** Texts and references put together by `text`. */
export interface Text {
  readonly join: ReadonlyArray<string | Secret | ServiceAddress | ExternalAddress>
}

/** What a variable may hold whose value is known only when the service runs. */
export type Reference = Secret | ServiceAddress | ExternalAddress | Text

/** `text` is the way to put a reference into a string: in a template literal of its own it would be lost. */
export const reference = <A extends object>(fields: A, written: string): A => {
  const toString = () => {
    throw misuse(
      `${written} is a reference, known only when it runs: write text\`…\${${written}}…\`, which "@maxcloud/sdk/config" exports`,
      toString
    )
  }
  // On the prototype, so that reading, cloning or sending the value only sees the fields.
  return Object.assign(Object.create(Object.defineProperty({}, "toString", { value: toString })), fields)
}

/** Puts texts and references together: ``text`postgres://app:${secret("DB_PASSWORD")}@db/shop` ``. */
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

import type { SecretName } from "@maxcloud/config-schema"
import type { ExternalSecretProps } from "./ExternalSecret.ts"
import type { Place } from "./names.ts"
import type { SecretPart, SecretParts } from "./secretParts.ts"

/** A store with the values of secrets, which the cluster reads instead of the server's database. */
export interface ExternalSecrets {
  /** The name of a ClusterSecretStore of the External Secrets Operator. */
  readonly store: string
  /**
   * The key of a secret in the store, with `{organization}`, `{app}`, `{stage}` and `{name}`; after a `#`, the field of the entry. Different secrets
   * must have different keys.
   */
  readonly key: string
}

/** The key of a secret in its store. Without `property`, the whole entry is its value. */
export interface ExternalKey {
  readonly key: string
  readonly property?: string
}

/** Built only from the tenant's own names, so that no config can reference another tenant's key. */
export const externalKeyOf = (
  { key }: ExternalSecrets,
  { app, organization, stage }: Omit<Place, "namespacePrefix">,
  name: SecretName
): ExternalKey => {
  const values: Readonly<Record<string, string>> = { organization, app, stage, name }
  const written = key.replace(/\{(\w+)\}/g, (whole, word: string) => values[word] ?? whole)
  const at = written.indexOf("#")
  return at < 0 ? { key: written } : { key: written.slice(0, at), property: written.slice(at + 1) }
}

/** The form for people: `acme/shop/production/API_KEY#value`. */
export const textOfExternalKey = ({ key, property }: ExternalKey) =>
  property === undefined ? key : `${key}#${property}`

/** A Go template for this text. A JSON string is also a valid Go string (Go specification, "Interpreted string literals"). */
const literalTemplate = (text: string) => (text.includes("{") ? `{{ ${JSON.stringify(text)} }}` : text)

const templateOf = (parts: ReadonlyArray<SecretPart>) =>
  parts.map((part) => (typeof part === "string" ? literalTemplate(part) : `{{ .${part.secret} }}`)).join("")

/** The object that makes the operator write the Secret `name` with the values of `parts` and with `labels`. */
export const externalSecretSpec = (
  external: ExternalSecrets,
  place: Omit<Place, "namespacePrefix">,
  {
    labels,
    name,
    parts
  }: { readonly labels: Readonly<Record<string, string>>; readonly name: string; readonly parts: SecretParts }
): ExternalSecretProps["spec"] => {
  const entries = Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1))
  const secrets = [
    ...new Set(
      entries.flatMap(([, values]) => values.flatMap((value) => (typeof value === "string" ? [] : [value.secret])))
    )
  ].sort()
  return {
    refreshPolicy: "CreatedOnce",
    secretStoreRef: { kind: "ClusterSecretStore", name: external.store },
    target: {
      name,
      creationPolicy: "Owner",
      template: {
        engineVersion: "v2",
        metadata: { labels },
        data: Object.fromEntries(entries.map(([key, values]) => [key, templateOf(values)]))
      }
    },
    data: secrets.map((secretKey) => ({ secretKey, remoteRef: externalKeyOf(external, place, secretKey) }))
  }
}

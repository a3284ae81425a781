import { Schema } from "effect"
import { form } from "./forms.ts"
import { optional, setting } from "./setting.ts"

const storeName = form(
  Schema.String.pipe(Schema.pattern(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/)),
  'a ClusterSecretStore is named as "vault", without its namespace'
)

const names = ["organization", "app", "stage", "name"]

/**
 * Each secret must get a different key, or one organization could read another's by choosing its names. So the template
 * contains every name, separated by something that no name contains (no name ends with `-` or `_`).
 */
const isTemplate = (written: string): boolean => {
  const [key = "", ...properties] = written.split("#")
  if (key === "" || properties.length > 1 || properties[0] === "") return false
  const parts = written.split(/\{(\w+)\}/)
  const placeholders = parts.filter((_, at) => at % 2 === 1)
  const texts = parts.filter((_, at) => at % 2 === 0)
  return (
    texts.every((text) => /^[A-Za-z0-9_.:/#-]*$/.test(text)) &&
    placeholders.every((placeholder) => names.includes(placeholder)) &&
    names.every((name) => placeholders.includes(name)) &&
    texts.slice(1, -1).every((text) => /[.:/#]|--/.test(text))
  )
}

const keyTemplate = form(
  Schema.String.pipe(Schema.filter(isTemplate)),
  'a key contains all of {organization}, {app}, {stage} and {name}, with "/", ".", ":", "#" or "--" between them, such as "{organization}/{app}/{stage}/{name}#value"'
)

/** Settings for secrets whose values aren't in the server's database. */
export const secretSettings = {
  externalSecretStore: optional("MAXCLOUD_EXTERNAL_SECRET_STORE", storeName, {
    unset: "none: the server stores secrets itself, sealed",
    text: "Name of a ClusterSecretStore of the External Secrets Operator. The cluster then reads values of secrets from it (`ExternalSecret`), and the server never sees them. Only on Kubernetes."
  }),
  /** A template. */
  externalSecretKey: setting("MAXCLOUD_EXTERNAL_SECRET_KEY", keyTemplate, {
    default: "{organization}/{app}/{stage}/{name}#value",
    text: "A secret's place in that store: its key, and after `#` the field of the entry. Without `#` the whole entry is the value."
  })
}

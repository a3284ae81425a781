import { isReservedPrefix } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** The prefix of tenants' namespaces in a new installation. */
export const defaultNamespacePrefix = "mc-"

/** As an operator writes that tenants' namespaces have no prefix. */
const noPrefix = "none"

/** A namespace has 63 characters: a longer prefix would leave too few for organizations and stages. */
const maxLength = 20

const isPrefix = (written: string) =>
  written === noPrefix ||
  (written.length <= maxLength && /^[a-z](-?[a-z0-9])*-$/.test(written) && !isReservedPrefix(written))

/** The form of a prefix, for error messages. */
export const prefixHelp = `a prefix is written as "mc-" (lower-case letters, digits and "-", at most ${maxLength} characters, ending with one "-", none that namespaces of the cluster begin with), or "none"`

/** The prefix of tenants' namespaces as an operator writes it; `none` is the empty one. */
export const NamespacePrefix = Schema.transform(Schema.String.pipe(Schema.filter(isPrefix)), Schema.String, {
  strict: true,
  decode: (written) => (written === noPrefix ? "" : written),
  encode: (prefix) => (prefix === "" ? noPrefix : prefix)
})

/** As `NamespacePrefix` reads it. */
export const prefixText = (prefix: string) => (prefix === "" ? noPrefix : prefix)

const withoutPrefix = "{{.Name}}--{{.Namespace}}.{{.Domain}}"

/**
 * Knative's template for hosts (`config-network`, `domain-template`). A tenant's service has one label before the domain, without the prefix,
 * so that one wildcard certificate covers all. Services in other namespaces keep Knative's own default with two labels: no host of
 * theirs is a tenant's. It reads the namespace and no label, which whoever may make a Knative Service could write.
 */
export const domainTemplateOf = (prefix: string): string =>
  prefix === ""
    ? withoutPrefix
    : `{{.Name}}{{if eq (printf "%.${prefix.length}s" .Namespace) "${prefix}"}}--{{slice .Namespace ${prefix.length}}}{{else}}.{{.Namespace}}{{end}}.{{.Domain}}`

/** The prefix that a template of ours is for; undefined: it is none of ours. */
export const prefixOfTemplate = (template: string): string | undefined => {
  const prefix = template === withoutPrefix ? "" : /\.Namespace\) "([^"]*)"/.exec(template)?.[1]
  return prefix !== undefined && domainTemplateOf(prefix) === template ? prefix : undefined
}

import { isReservedPrefix } from "@maxcloud/config-schema"
import { label } from "@maxcloud/synth"
import { Schema } from "effect"

/** The prefix of tenants' namespaces in a new installation. */
export const defaultNamespacePrefix = "mc-"

/** An operator's notation for no prefix. */
const noPrefix = "none"

/** A namespace has at most 63 characters: a longer prefix would leave too few for organizations and stages. */
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

/** In the form that `NamespacePrefix` reads. */
export const prefixText = (prefix: string) => (prefix === "" ? noPrefix : prefix)

/**
 * Knative's template for hosts (`config-network`, `domain-template`). A tenant's service has one label before the
 * domain, without the prefix, so that one wildcard certificate covers all: `hostLabelOf` in synth has its form. A tag is
 * part of `.Name`, in front of the service's name. Services in other namespaces keep Knative's own default with two
 * labels, so none of their hosts is a tenant's. The template reads labels only in tenants' namespaces, and only to leave
 * out the name of a service with its app's name. The host always ends with the names in the namespace, so nobody who can
 * create a Knative Service can take another organization's host with a label.
 */
export const domainTemplateOf = (prefix: string): string => {
  const service = `(index .Labels "${label.service}")`
  const isNamedLikeItsApp = `eq .Namespace (printf "${prefix}%s--%s" ${service} (index .Labels "${label.organization}"))`
  // The part of `.Name` before the service's name. Templates can't subtract, so this measures the rest.
  const tag = `{{slice .Name 0 (len (slice .Name (len ${service})))}}`
  const names = prefix === "" ? "{{.Namespace}}" : `{{slice .Namespace ${prefix.length}}}`
  const tenants = `{{if ${isNamedLikeItsApp}}}${tag}{{else}}{{.Name}}--{{end}}${names}`
  return prefix === ""
    ? `${tenants}.{{.Domain}}`
    : `{{if eq (printf "%.${prefix.length}s" .Namespace) "${prefix}"}}${tenants}{{else}}{{.Name}}.{{.Namespace}}{{end}}.{{.Domain}}`
}

/** The prefix that our templates compare a namespace with. */
const prefixIn = /eq \.Namespace \(printf "([a-z0-9-]*)%s--/

/** The prefix in a template of ours; undefined: the template isn't ours. */
export const prefixOfTemplate = (template: string): string | undefined => {
  const prefix = prefixIn.exec(template)?.[1]
  return prefix !== undefined && domainTemplateOf(prefix) === template ? prefix : undefined
}

import { type ManifestRule, manifestKinds, parseRule, ruleTextOf } from "@maxcloud/config-schema"
import { ParseResult, Schema } from "effect"
import { form, Words } from "./forms.ts"

const Rules = Schema.compose(
  Words,
  Schema.Array(
    Schema.transformOrFail(
      Schema.String,
      Schema.declare((value): value is ManifestRule => typeof value === "object"),
      {
        strict: true,
        decode: (text, _, ast) => {
          const rule = parseRule(text)
          return rule === undefined ? ParseResult.fail(new ParseResult.Type(ast, text)) : ParseResult.succeed(rule)
        },
        encode: (rule) => ParseResult.succeed(ruleTextOf(rule))
      }
    )
  )
)

/** Kinds and fields of manifests that configs may set. */
export const manifestRules = form(
  Rules,
  `kinds and fields are written as "ConfigMap,Service:spec.template.spec.volumes,Service:spec.template.metadata.annotations[autoscaling.knative.dev/window]". Kinds are ${Object.keys(manifestKinds).join(", ")}; "Manifests" in the config reference lists the fields. Annotations, labels, nodeSelector and resources are allowed key by key`
)

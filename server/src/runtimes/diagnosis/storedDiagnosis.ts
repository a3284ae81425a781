import { Diagnosis } from "@maxcloud/sdk/api"
import { Schema } from "effect"

/** A diagnosis as it was written. Earlier builds wrote none of the later fields. */
export const StoredDiagnosis = Schema.Struct({
  ...Diagnosis.fields,
  certain: Schema.optionalWith(Schema.Boolean, { default: () => false })
})

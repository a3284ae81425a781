import type { LoadedConfig } from "@maxcloud/sdk/effect"
import type { Manifest } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import { CommandFailed } from "../errors/failure.ts"

const Labels = Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { exact: true })

/** The fields that every Kubernetes object has. The rest stays as the chart wrote it. */
const ChartObject = Schema.Struct(
  {
    apiVersion: Schema.String,
    kind: Schema.String,
    metadata: Schema.Struct(
      {
        name: Schema.String,
        namespace: Schema.optionalWith(Schema.String, { exact: true }),
        labels: Labels,
        annotations: Labels
      },
      { key: Schema.String, value: Schema.Unknown }
    )
  },
  { key: Schema.String, value: Schema.Unknown }
)

/** The objects of the config's own charts, which are printed after the app's. */
export const chartObjects = ({ charts, file }: LoadedConfig): Effect.Effect<ReadonlyArray<Manifest>, CommandFailed> =>
  Schema.decodeUnknown(Schema.Array(ChartObject))(charts).pipe(
    Effect.mapError(
      () =>
        new CommandFailed({
          tag: "ConfigInvalid",
          exit: 2,
          message: `A chart of ${file} returned something that isn't a Kubernetes object.`,
          fix: "Its toJson() must return objects with apiVersion, kind and metadata.name, as cdk8s charts do."
        })
    )
  )

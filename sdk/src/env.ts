/** The contract of a service's environment: for the config that sets it, and for the service's own code that reads it. Imports nothing else. */
export * from "@maxcloud/config-schema/environment"

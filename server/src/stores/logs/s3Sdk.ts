/** What is used of the AWS SDK, by name: `import()` of the package itself gives a bundle `default` alone. */
export {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client
} from "@aws-sdk/client-s3"

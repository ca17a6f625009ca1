# Makes the bucket and the two users of docs/cache.md in an emulated AWS, and prints their access keys.
import json, sys
import boto3

options = dict(endpoint_url=sys.argv[1], region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
iam, bucket = boto3.client("iam", **options), "arn:aws:s3:::cache"
boto3.client("s3", **options).create_bucket(
    Bucket="cache", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
)


def user(name, reads, writes):
    statements = [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/{reads}"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{bucket}/{writes}"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="cache", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return [key["AccessKeyId"], key["SecretAccessKey"]]


print(json.dumps({
    "main": user("main", "shop/trusted/*", "shop/trusted/*"),
    "pull": user("pull", "shop/*", "shop/untrusted/pull/*"),
}))

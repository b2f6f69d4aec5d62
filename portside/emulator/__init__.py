"""The embedded AWS: ministack in a separate process, patched to behave as AWS does.

It imports no other package of portside.

- `client`: everything that the rest of the package uses: the process, the control API, seeding, one `aws` command
- `server`: the process; `control_api`: the server of the control API; `loopback_http`: HTTP for all except AWS's API
- `gate`: who may call and for which services: origins, signatures, refusals, confinement
- `patches`: replaced functions of ministack
- `resources`: types of CloudFormation, and `services`: services, that ministack lacks or that differ from AWS
- `fargate`: tasks, from start to stop, and their stubs, load balancers and faults
- `registry`: images, as a registry and as GitHub's packages API, with faults
- `state`: what is saved, and how
"""

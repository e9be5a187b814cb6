"""The tenant file: what a person declares, and how the store comes to hold it.

* `file`: the document's shape, with the property names of Auth0's Management API
* `properties`: what else such files may contain
* `foreign_objects`: which whole objects of Auth0's are left out
* `reading`: a document becomes `Desired`, or the list of all that is wrong with it
* `planning`: `Desired`, and what the store holds, become a `Plan`
* `applying`: a plan becomes what the store holds
* `importing`: an entry of a file of users becomes a change of a user
* `writing`: objects of the store become properties of a file again
* `exporting`: the whole store becomes a document
* `store`: what all but the first three need of it
"""

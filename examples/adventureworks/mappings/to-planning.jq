# What planning keeps of any object: where it is from, and its data.
{ id, type, key: .subject, site, from: .system, data }

//! What a file would make of an organization, said before anything is sent. Pure: what is held, what there is
//! and what is asked come in, numbers and names come out.

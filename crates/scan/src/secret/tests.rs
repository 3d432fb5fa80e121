use super::*;

#[test]
fn every_row_of_the_table_can_be_read() {
    let shapes = shape::shipped();
    assert!(shapes.len() >= 200, "{}", shapes.len());
    for shape in &shapes {
        assert!(shape.build().is_ok(), "{}: {:?}", shape.id, shape.build().err());
        assert!(!shape.anchors.is_empty(), "{}", shape.id);
        for anchor in &shape.anchors {
            assert!(anchor.len() >= 3, "{}: an anchor of three bytes at least", shape.id);
        }
    }
    let mut names: Vec<_> = Detector::shipped().rules().collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
